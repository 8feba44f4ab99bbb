import { useQuery } from '@tanstack/react-query'

import { kpisQuery, type Kpis as Figures } from '@/api/kpis'
import { useRefresh } from '@/live'
import { Failure } from '@/ui/failure'
import { formatCompact, formatNumber } from '@/ui/format'
import { Tile } from '@/ui/tile'

import { SuccessRate } from './SuccessRate'

const CHANGED_BY = ['action.', 'actions.', 'session.', 'subtask.', 'project.'] as const

export function Kpis() {
  const { data, error, refetch } = useQuery(kpisQuery)
  useRefresh({ on: CHANGED_BY, queryKey: kpisQuery.queryKey })

  return (
    <section
      aria-label="Key figures"
      className="@container shrink-0 overflow-hidden rounded-xl border bg-line-soft shadow-panel"
    >
      {error && !data ? (
        <Failure
          className="bg-panel py-4"
          title="The figures could not be read"
          error={error}
          onRetry={refetch}
        />
      ) : (
        <Tiles figures={data} />
      )}
    </section>
  )
}

function Tiles({ figures }: { figures?: Figures }) {
  return (
    <dl className="grid grid-cols-2 gap-px @lg:grid-cols-4">
      <Tile
        label="Active sessions"
        value={figures && formatNumber(figures.sessions.active)}
        note={figures && everSeen(figures)}
      />
      <Tile
        label="Tool calls, 24 h"
        value={figures && formatNumber(figures.actions_24h.total)}
        note={figures && pace(figures)}
      />
      <Tile
        label="Success rate, 24 h"
        value={figures && <SuccessRate {...figures.actions_24h} />}
        note={figures && failures(figures)}
      />
      <Tile
        label="Running subagents"
        value={figures && formatNumber(figures.subtasks.running)}
        note={figures && outcomes(figures)}
      />
    </dl>
  )
}

function everSeen({ sessions: { total } }: Figures): string {
  return total === 0 ? 'none so far' : `of ${formatNumber(total)} ever seen`
}

function pace({ actions_24h: { total, avg_per_hour, unique_tools } }: Figures): string {
  if (total === 0) return 'none so far'
  return `${formatCompact(avg_per_hour)} / h, ${formatNumber(unique_tools)} tools`
}

function failures({ actions_24h: { total, success } }: Figures): string {
  if (total === 0) return 'no calls to judge by'
  return success === total ? 'nothing failed' : `${formatNumber(total - success)} failed`
}

function outcomes({ subtasks }: Figures): string {
  if (subtasks.total === 0) return 'none so far'
  const done = `${formatNumber(subtasks.completed)} done`
  return subtasks.failed === 0 ? done : `${done}, ${formatNumber(subtasks.failed)} failed`
}
