import type { ReactNode } from 'react'

import { Skeleton } from './skeleton'

interface TileProps {
  label: string
  /** Missing while it is on its way. */
  value?: ReactNode
  note?: ReactNode
}

/** A figure with its name and a note. */
export function Tile({ label, value, note }: TileProps) {
  return (
    <div className="min-w-0 bg-panel px-4 py-3 @lg:px-3 @xl:px-4">
      <dt className="truncate text-xs tracking-tight text-soft">{label}</dt>
      <dd className="mt-1 h-7 text-2xl/7 font-semibold tracking-tight tabular-nums">
        {value ?? <Skeleton className="h-6 w-16" />}
      </dd>
      <dd className="mt-0.5 h-4 truncate text-2xs text-faint tabular-nums">
        {value === undefined ? <Skeleton className="mt-1 h-2.5 w-24" /> : note}
      </dd>
    </div>
  )
}
