/** The sign of the project: one line of work, and the agent at its end. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" aria-hidden="true" className={className}>
      <rect width="32" height="32" rx="8" className="fill-raised" />
      <path
        d="M9 8.5h5.5a7.5 7.5 0 0 1 0 15H9"
        strokeWidth="2.5"
        strokeLinecap="round"
        className="stroke-accent"
      />
      <circle cx="9" cy="16" r="2.25" className="fill-accent" />
      <circle cx="23.5" cy="16" r="2.25" className="fill-good" />
    </svg>
  )
}
