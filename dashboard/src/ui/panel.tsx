import { useId, type ReactNode } from 'react'

import { cn } from './class-names'

interface PanelProps {
  title: string
  /** Small text after the title: a count, a span of time. */
  note?: ReactNode
  /** Controls at the right end of the title line. */
  actions?: ReactNode
  className?: string
  children: ReactNode
}

export function Panel({ title, note, actions, className, children }: PanelProps) {
  const heading = useId()
  return (
    <section
      aria-labelledby={heading}
      className={cn(
        'flex min-w-0 flex-col overflow-hidden rounded-xl border bg-panel shadow-panel',
        className,
      )}
    >
      <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line-soft px-4 py-2">
        <h2 id={heading} className="text-[0.8125rem] font-semibold tracking-tight">
          {title}
        </h2>
        {note !== undefined && <span className="text-xs text-faint tabular-nums">{note}</span>}
        {actions && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  )
}
