import { useQuery } from '@tanstack/react-query'
import { MoonStar } from 'lucide-react'
import { useMemo } from 'react'

import { activeSessionsQuery, type Session } from '@/api/sessions'
import { useRefresh } from '@/live'
import { useNow } from '@/ui/clock'
import { Failure } from '@/ui/failure'
import { formatNumber } from '@/ui/format'
import { Notice } from '@/ui/notice'
import { Panel } from '@/ui/panel'
import { Skeleton } from '@/ui/skeleton'

import { SessionRow } from './SessionRow'
import { isQuiet, newestFirst } from './activity'

const CHANGED_BY = ['action.', 'request.', 'session.', 'subtask.', 'compact.'] as const

export function SessionsPanel({ className }: { className?: string }) {
  const { data, error, refetch } = useQuery(activeSessionsQuery)
  useRefresh({ on: CHANGED_BY, queryKey: activeSessionsQuery.queryKey })
  const sessions = useMemo(() => data && newestFirst(data.sessions), [data])
  const now = useNow()

  return (
    <Panel title="Live sessions" note={sessions && counts(sessions, now)} className={className}>
      {error && !sessions ? (
        <Failure title="The sessions could not be read" error={error} onRetry={refetch} />
      ) : (
        <Body sessions={sessions} now={now} />
      )}
    </Panel>
  )
}

function Body({ sessions, now }: { sessions?: Session[]; now: number }) {
  if (!sessions) return <Loading />
  if (sessions.length === 0) {
    return (
      <Notice icon={MoonStar} title="No session is active">
        Start Claude Code in a project and it shows up here.
      </Notice>
    )
  }
  return (
    <ul
      aria-label="Active sessions"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling list must be reachable by keyboard
      tabIndex={0}
      className="@container relative min-h-0 flex-1 divide-y divide-line-soft overflow-y-auto -outline-offset-2"
    >
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} now={now} />
      ))}
    </ul>
  )
}

function Loading() {
  return (
    <div role="status" aria-label="Loading sessions" className="divide-y divide-line-soft">
      {[0, 1, 2].map((row) => (
        <div key={row} className="space-y-2.5 px-4 py-3.5">
          <Skeleton className="h-3 w-40" />
          <Skeleton className="h-2.5 w-4/5" />
        </div>
      ))}
    </div>
  )
}

function counts(sessions: Session[], now: number): string {
  const quiet = sessions.filter((session) => isQuiet(session, now)).length
  const working = formatNumber(sessions.length - quiet)
  return quiet === 0 ? `${working} working` : `${working} working, ${formatNumber(quiet)} quiet`
}
