import type { ReactNode } from 'react'

import { cn } from '@/ui/class-names'

import { CommandLine } from './CommandLine'

/** What a new user sees before the first session has reported. */
export function Welcome({ className }: { className?: string }) {
  return (
    <section
      aria-labelledby="welcome"
      className={cn(
        'flex flex-col justify-center rounded-xl border bg-panel px-6 py-10 shadow-panel sm:px-12',
        className,
      )}
    >
      <Beacon />
      <h2 id="welcome" className="mt-6 text-xl font-semibold tracking-tight">
        Nothing has reported yet
      </h2>
      <p className="mt-1 max-w-md text-balance text-soft">
        Two steps, and every session of your coding agents shows up here as it works.
      </p>
      <ol className="mt-7 space-y-6">
        <Step number={1} title="Install the hooks">
          <CommandLine command="dcm hooks" />
          <p className="mt-2 text-xs text-soft">
            They tell this server what every session does.
          </p>
        </Step>
        <Step number={2} title="Start Claude Code in any project">
          <CommandLine command="claude" />
          <p className="mt-2 text-xs text-soft">
            Its first prompt and tool call appear here, with no reload.
          </p>
        </Step>
      </ol>
    </section>
  )
}

interface StepProps {
  number: number
  title: string
  children: ReactNode
}

function Step({ number, title, children }: StepProps) {
  return (
    <li className="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3">
      <span
        aria-hidden="true"
        className="flex size-6 items-center justify-center rounded-full border text-xs font-medium text-soft"
      >
        {number}
      </span>
      <div>
        <h3 className="leading-6 font-medium">{title}</h3>
        <div className="mt-2">{children}</div>
      </div>
    </li>
  )
}

function Beacon() {
  return (
    <span aria-hidden="true" className="relative flex size-10 items-center justify-center">
      <span className="absolute inset-0 animate-breathe rounded-full border border-accent/40" />
      <span className="absolute inset-2 rounded-full border border-accent/60" />
      <span className="size-2 rounded-full bg-accent" />
    </span>
  )
}
