import { Bot, CircleX, ScrollText, Wrench, type LucideIcon } from 'lucide-react'

import { shortId, type Session } from '@/api/sessions'
import { cn } from '@/ui/class-names'
import { formatAge, formatBytes, formatCompact, formatMoment } from '@/ui/format'

import { isQuiet } from './activity'

interface SessionRowProps {
  session: Session
  now: number
}

export function SessionRow({ session, now }: SessionRowProps) {
  const quiet = isQuiet(session, now)
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1 px-4 py-2.5">
      <Identity session={session} quiet={quiet} />
      <Activity session={session} now={now} quiet={quiet} />
      <p
        className={cn(
          'col-span-2 truncate pl-4 text-xs @lg:col-span-1',
          session.last_prompt ? 'text-soft' : 'text-faint',
        )}
        title={session.last_prompt ?? undefined}
      >
        {session.last_prompt ?? 'no prompt yet'}
      </p>
      <Counts session={session} />
    </li>
  )
}

function Identity({ session, quiet }: { session: Session; quiet: boolean }) {
  return (
    <p className="flex min-w-0 items-center gap-2">
      <span
        aria-hidden="true"
        className={cn(
          'size-2 shrink-0 rounded-full',
          quiet ? 'border-[1.5px] border-faint' : 'bg-good ring-3 ring-good/15',
        )}
      />
      <span
        className={cn('truncate font-medium', quiet && 'text-soft')}
        title={session.project_path ?? undefined}
      >
        {session.project_name ?? 'no project'}
      </span>
      <span className="shrink-0 font-mono text-2xs text-faint" title={session.id}>
        {shortId(session.id)}
      </span>
      {session.model && (
        <span className="hidden truncate text-2xs text-faint @lg:inline">{session.model}</span>
      )}
    </p>
  )
}

function Activity({ session, now, quiet }: SessionRowProps & { quiet: boolean }) {
  const seen = Date.parse(session.last_seen_at)
  return (
    <time
      dateTime={session.last_seen_at}
      title={formatMoment(seen)}
      className={cn('self-center text-right text-xs tabular-nums', quiet ? 'text-faint' : 'text-soft')}
    >
      {lastActivity(now - seen, quiet)}
    </time>
  )
}

function lastActivity(age: number, quiet: boolean): string {
  if (quiet) return `quiet for ${formatAge(age)}`
  return age < 1_000 ? 'active now' : `active ${formatAge(age)} ago`
}

function Counts({ session }: { session: Session }) {
  return (
    <div className="col-span-2 flex items-center gap-1 pl-4 @lg:col-span-1 @lg:justify-end @lg:pl-0">
      <Count icon={Wrench} name="tools used" value={session.total_tools_used} />
      <Count icon={CircleX} name="errors" value={session.total_errors} tone="text-bad" />
      <Count
        icon={Bot}
        name="running subagents"
        value={session.running_subagents}
        tone="text-tool-agent"
      />
      <Count
        icon={ScrollText}
        name="of context"
        value={session.context_bytes}
        format={formatBytes}
        className="w-17 @lg:justify-end"
      />
    </div>
  )
}

interface CountProps {
  icon: LucideIcon
  name: string
  value: number | null
  /** Colour when there is something to count. */
  tone?: string
  format?: (value: number) => string
  className?: string
}

function Count({
  icon: Icon,
  name,
  value,
  tone = 'text-soft',
  format = formatCompact,
  className,
}: CountProps) {
  if (value === null) return <span className={className} />
  return (
    <span
      title={`${format(value)} ${name}`}
      className={cn(
        'flex w-13 items-center gap-1.5 text-xs tabular-nums',
        value > 0 ? tone : 'text-faint',
        className,
      )}
    >
      <Icon aria-hidden="true" className="size-3 shrink-0 opacity-80" />
      <span>
        {format(value)}
        <span className="sr-only"> {name}</span>
      </span>
    </span>
  )
}
