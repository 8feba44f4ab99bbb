import { useQuery } from '@tanstack/react-query'
import { ChartArea, Table2 } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'

import { hourlyActionsQuery } from '@/api/actions'
import { useRefresh } from '@/live'
import { Choice } from '@/ui/choice'
import { Failure } from '@/ui/failure'
import { formatHour, formatNumber } from '@/ui/format'
import { Panel } from '@/ui/panel'
import { Skeleton } from '@/ui/skeleton'

import { HourlyTable } from './HourlyTable'
import { busiest, fillHours, type Hour } from './hours'

// The chart library outweighs the rest of the page, so it comes after the first paint.
const HourlyChart = lazy(() => import('./HourlyChart'))

const REFRESH = {
  on: ['action.', 'actions.'],
  queryKey: hourlyActionsQuery.queryKey,
  every: 10_000,
} as const

const VIEWS = [
  { value: 'chart', label: <ChartArea aria-hidden="true" />, name: 'Chart' },
  { value: 'table', label: <Table2 aria-hidden="true" />, name: 'Table' },
] as const

export function HourlyPanel({ className }: { className?: string }) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const { data, dataUpdatedAt, error, refetch } = useQuery(hourlyActionsQuery)
  useRefresh(REFRESH)
  const hours = useMemo(() => data && fillHours(data.data, dataUpdatedAt), [data, dataUpdatedAt])

  return (
    <Panel
      title="Actions per hour"
      note="last 24 h"
      className={className}
      actions={<Choice label="Show as" options={VIEWS} value={view} onChange={setView} />}
    >
      {error && !hours ? (
        <Failure title="The hours could not be read" error={error} onRetry={refetch} />
      ) : (
        <Body hours={hours} view={view} />
      )}
    </Panel>
  )
}

function Body({ hours, view }: { hours?: Hour[]; view: 'chart' | 'table' }) {
  if (!hours) return <Skeleton className="m-4 flex-1" />
  if (view === 'table') return <HourlyTable hours={hours} />
  return (
    <figure aria-label={inWords(hours)} className="min-h-0 flex-1 pt-3 pr-3 pb-1">
      <Suspense fallback={<Skeleton className="mx-4 h-full" />}>
        <HourlyChart hours={hours} />
      </Suspense>
    </figure>
  )
}

function inWords(hours: Hour[]): string {
  const total = hours.reduce((sum, hour) => sum + hour.count, 0)
  const top = busiest(hours)
  if (!top) return 'No actions in the last 24 hours'
  return `${formatNumber(total)} actions in the last 24 hours, most of them at ${formatHour(top.at)}: ${formatNumber(top.count)}`
}
