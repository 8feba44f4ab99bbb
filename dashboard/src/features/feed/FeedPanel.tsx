import { Pause, Play, Radio, SearchX } from 'lucide-react'
import { useMemo, useState } from 'react'

import { Button } from '@/ui/button'
import { Choice } from '@/ui/choice'
import { Failure } from '@/ui/failure'
import { formatNumber } from '@/ui/format'
import { Notice } from '@/ui/notice'
import { Panel } from '@/ui/panel'
import { Skeleton } from '@/ui/skeleton'

import { FeedList } from './FeedList'
import { filterEntries, FILTERS, type Filter } from './filters'
import { usePause } from './use-pause'
import { useSessionNames } from './use-session-names'
import { useTimeline } from './use-timeline'

export function FeedPanel({ className }: { className?: string }) {
  const { timeline, error, isPending, refetch } = useTimeline()
  const { shown, paused, waiting, toggle } = usePause(timeline)
  const [filter, setFilter] = useState<Filter>('all')
  const names = useSessionNames()
  const entries = useMemo(() => filterEntries(shown.entries, filter), [shown.entries, filter])
  const nothingYet = shown.entries.length === 0

  return (
    <Panel
      title="Activity"
      className={className}
      actions={
        <>
          <Choice label="Show" options={FILTERS} value={filter} onChange={setFilter} />
          <PauseButton paused={paused} waiting={waiting} onClick={toggle} />
        </>
      }
    >
      {nothingYet && error && (
        <Failure title="The activity could not be read" error={error} onRetry={refetch} />
      )}
      {nothingYet && !error && (isPending ? <Loading /> : <NothingYet />)}
      {!nothingYet && entries.length === 0 && <NothingPasses filter={filter} />}
      {entries.length > 0 && <FeedList key={filter} entries={entries} names={names} />}
    </Panel>
  )
}

interface PauseButtonProps {
  paused: boolean
  waiting: number
  onClick: () => void
}

function PauseButton({ paused, waiting, onClick }: PauseButtonProps) {
  const Icon = paused ? Play : Pause
  return (
    <Button onClick={onClick} className="min-w-20">
      <Icon aria-hidden="true" />
      {paused ? 'Resume' : 'Pause'}
      {waiting > 0 && (
        <span className="text-accent tabular-nums">
          {formatNumber(waiting)}
          <span className="sr-only"> waiting</span>
        </span>
      )}
    </Button>
  )
}

function NothingYet() {
  return (
    <Notice icon={Radio} title="Quiet so far">
      Every prompt, tool call and subagent appears here the moment it happens.
    </Notice>
  )
}

function NothingPasses({ filter }: { filter: Filter }) {
  const title = filter === 'failures' ? 'Nothing failed' : `No ${filter} among the latest events`
  return <Notice icon={SearchX} title={title} />
}

function Loading() {
  return (
    <div role="status" aria-label="Loading activity" className="flex-1 overflow-hidden">
      {Array.from({ length: 12 }, (_, row) => (
        <div key={row} className="flex h-[34px] items-center gap-3 border-b border-line-soft px-4">
          <Skeleton className="h-2.5 w-14" />
          <Skeleton className="h-3 w-20" />
          <Skeleton className="h-2.5 flex-1" />
        </div>
      ))}
    </div>
  )
}
