import { useQueryClient } from '@tanstack/react-query'

import { useLive, type LiveStatus } from '@/live'
import { cn } from '@/ui/class-names'
import { useNow } from '@/ui/clock'
import { formatAge } from '@/ui/format'

const SIGNS: Record<LiveStatus, { text: string; dot: string }> = {
  live: { text: 'Live', dot: 'bg-good animate-breathe' },
  connecting: { text: 'Connecting', dot: 'bg-faint' },
  reconnecting: { text: 'Reconnecting', dot: 'bg-warn animate-breathe' },
  offline: { text: 'Offline', dot: 'bg-bad' },
}

export function ConnectionSign() {
  const { status } = useLive()
  const { text, dot } = SIGNS[status]
  return (
    <div className="flex h-7 items-center gap-2 rounded-full border px-2.5 text-xs whitespace-nowrap">
      <span aria-hidden="true" className={cn('size-2 rounded-full', dot)} />
      <span role="status" className="font-medium">
        {text}
      </span>
      {status !== 'live' && <DataAge />}
    </div>
  )
}

function DataAge() {
  const now = useNow()
  const freshAt = useFreshAt()
  if (freshAt === 0) return null
  return (
    <span className="text-faint tabular-nums max-[24rem]:hidden">
      <span className="hidden sm:inline">data </span>
      {formatAge(now - freshAt)} old
    </span>
  )
}

/** When what is shown was last known to be true. */
function useFreshAt(): number {
  const { liveUntil } = useLive()
  const queries = useQueryClient().getQueryCache().getAll()
  return Math.max(liveUntil, ...queries.map(({ state }) => state.dataUpdatedAt))
}
