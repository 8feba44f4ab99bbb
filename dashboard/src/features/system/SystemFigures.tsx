import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { systemQuery, type System } from '@/api/system'
import { Failure } from '@/ui/failure'
import { formatBytes, formatCount, formatDuration, formatNumber } from '@/ui/format'
import { Tile } from '@/ui/tile'

/** Free space, in bytes, below which the figure warns. */
const ROOM = 1_000_000_000

/** Seconds an event may wait before the figure warns. */
const PATIENCE = 30

export function SystemFigures() {
  const { data, error, refetch } = useQuery(systemQuery)
  return (
    <section
      aria-label="System figures"
      className="@container shrink-0 overflow-hidden rounded-xl border bg-line-soft shadow-panel"
    >
      {error && !data ? (
        <Failure
          className="bg-panel py-4"
          title="The figures of the system could not be read"
          error={error}
          onRetry={refetch}
        />
      ) : (
        <Tiles system={data} />
      )}
    </section>
  )
}

function Tiles({ system }: { system?: System }) {
  return (
    <dl className="grid grid-cols-2 gap-px @2xl:grid-cols-3 @5xl:grid-cols-6">
      <Tile
        label="Waiting events"
        value={system && amount(system.queue?.depth)}
        note={system && (system.queue ? 'accepted, not stored yet' : away(system, 'valkey'))}
      />
      <Tile
        label="Lag"
        value={system && lag(system)}
        note={system && (system.queue ? 'age of the oldest of them' : away(system, 'valkey'))}
      />
      <Tile
        label="Failed for good"
        value={system && failed(system)}
        note={system && kinds(system)}
      />
      <Tile
        label="Database"
        value={system && size(system.disk.database_bytes)}
        note={system && (system.disk.database_bytes === null ? away(system, 'postgres') : 'on disk')}
      />
      <Tile
        label="Free space"
        value={
          system && (
            <Warned when={system.disk.free_bytes < ROOM}>
              {formatBytes(system.disk.free_bytes)}
            </Warned>
          )
        }
        note={system && `of ${formatBytes(system.disk.total_bytes)}`}
      />
      <Tile
        label="Valkey"
        value={system && size(system.disk.valkey_bytes)}
        note={system && (system.disk.valkey_bytes === null ? away(system, 'valkey') : 'of memory')}
      />
    </dl>
  )
}

function Warned({ when, children }: { when: boolean; children: ReactNode }) {
  return <span className={when ? 'text-warn' : undefined}>{children}</span>
}

function lag({ queue }: System): ReactNode {
  if (!queue) return '–'
  return <Warned when={queue.lag_seconds > PATIENCE}>{formatDuration(queue.lag_seconds * 1_000)}</Warned>
}

const amount = (value?: number): string => (value === undefined ? '–' : formatNumber(value))
const size = (bytes: number | null): string => (bytes === null ? '–' : formatBytes(bytes))

function failed({ failures: { rejected, dead } }: System): ReactNode {
  if (rejected === null && dead === null) return '–'
  const known = (rejected ?? 0) + (dead ?? 0)
  return <Warned when={known > 0}>{formatNumber(known)}</Warned>
}

function kinds({ failures: { rejected, dead } }: System): string {
  return `${known(rejected, 'event')}, ${known(dead, 'message')}`
}

const known = (count: number | null, noun: string): string =>
  count === null ? `${noun}s unknown` : formatCount(count, noun)

function away(system: System, store: 'postgres' | 'valkey'): ReactNode {
  const text = `does not answer: ${system.away[store] ?? 'nobody knows why'}`
  return (
    <span className="text-warn" title={text}>
      {text}
    </span>
  )
}
