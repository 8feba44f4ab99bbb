import { Check, X } from 'lucide-react'
import { memo, useState, type ReactNode } from 'react'

import { shortId } from '@/api/sessions'
import { cn } from '@/ui/class-names'
import { formatDuration, formatMoment, formatTime } from '@/ui/format'

import type { Entry } from './entry'
import { lookOf } from './looks'

const NEW_FOR_MS = 1_500

interface FeedRowProps {
  entry: Entry
  /** The project of its session, where known. */
  project: string | undefined
  narrow: boolean
}

export const FeedRow = memo(function FeedRow({ entry, project, narrow }: FeedRowProps) {
  const Layout = narrow ? TwoLines : OneLine
  const [isNew] = useState(() => Date.now() - entry.arrivedAt < NEW_FOR_MS)
  return (
    <div
      className={cn(
        'h-full border-b border-line-soft',
        entry.ok === false && 'bg-bad/6',
        isNew && 'animate-arrive',
      )}
    >
      <Layout
        time={<Time at={entry.at} />}
        icon={<KindIcon entry={entry} />}
        title={entry.title}
        summary={<Summary entry={entry} />}
        origin={<Origin sessionId={entry.sessionId} project={project} />}
        duration={entry.durationMs === null ? '' : formatDuration(entry.durationMs)}
        outcome={<Outcome ok={entry.ok} />}
      />
    </div>
  )
})

interface Parts {
  time: ReactNode
  icon: ReactNode
  title: string
  summary: ReactNode
  origin: ReactNode
  duration: string
  outcome: ReactNode
}

function OneLine({ time, icon, title, summary, origin, duration, outcome }: Parts) {
  return (
    <div className="grid h-full grid-cols-[4.5rem_1rem_minmax(0,7.75rem)_minmax(0,1fr)_minmax(0,7.5rem)_3.25rem_0.875rem] items-center gap-x-2.5 px-4 text-xs">
      {time}
      {icon}
      <span className="truncate font-medium" title={title}>
        {title}
      </span>
      {summary}
      <span className="min-w-0 text-faint">{origin}</span>
      <span className="text-right text-2xs text-faint tabular-nums">{duration}</span>
      {outcome}
    </div>
  )
}

function TwoLines({ time, icon, title, summary, origin, duration, outcome }: Parts) {
  return (
    <div className="flex h-full flex-col justify-center gap-0.5 px-4 text-xs">
      <div className="flex items-center gap-2">
        {icon}
        <span className="shrink-0 font-medium">{title}</span>
        {summary}
        {outcome}
      </div>
      <div className="flex items-center gap-2 pl-6 text-2xs text-faint tabular-nums">
        {time}
        <span className="min-w-0 flex-1">{origin}</span>
        {duration}
      </div>
    </div>
  )
}

function Summary({ entry: { kind, summary } }: { entry: Entry }) {
  return (
    <span
      title={summary}
      className={cn('min-w-0 flex-1 truncate text-soft', kind === 'tool' && 'font-mono text-2xs')}
    >
      {summary}
    </span>
  )
}

function Time({ at }: { at: number }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={formatMoment(at)}
      className="text-2xs text-faint tabular-nums"
    >
      {formatTime(at)}
    </time>
  )
}

function KindIcon({ entry }: { entry: Entry }) {
  const { icon: Icon, name, tone } = lookOf(entry)
  return (
    <span title={name} className={cn('shrink-0', tone)}>
      <Icon aria-hidden="true" className="size-4" />
      <span className="sr-only">{name}</span>
    </span>
  )
}

function Origin({ sessionId, project }: { sessionId: string | null; project?: string }) {
  if (!sessionId) return null
  return (
    <span title={[project, sessionId].filter(Boolean).join(' ')} className="flex min-w-0 gap-1.5">
      {project && <span className="truncate text-soft">{project}</span>}
      <span className="shrink-0 font-mono text-2xs">{shortId(sessionId).slice(0, project ? 4 : 8)}</span>
    </span>
  )
}

function Outcome({ ok }: { ok: boolean | null }) {
  if (ok === null) return <span />
  const Icon = ok ? Check : X
  return (
    <span className={cn('shrink-0', ok ? 'text-good' : 'text-bad')}>
      <Icon aria-hidden="true" className="size-3.5" />
      <span className="sr-only">{ok ? 'ok' : 'failed'}</span>
    </span>
  )
}
