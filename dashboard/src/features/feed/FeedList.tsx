import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowUp } from 'lucide-react'
import { useState } from 'react'

import { Button } from '@/ui/button'

import { FeedRow } from './FeedRow'
import type { Entry } from './entry'
import { useAnchor } from './use-anchor'
import { useNarrow } from './use-narrow'
import type { SessionNames } from './use-session-names'

const ROW = 34
const NARROW_ROW = 50
const NARROW_BELOW = 560

interface FeedListProps {
  entries: Entry[]
  names: SessionNames
}

export function FeedList({ entries, names }: FeedListProps) {
  // State and not a ref: the rows can be laid out only once it is there.
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null)
  const narrow = useNarrow(scroller, NARROW_BELOW)
  const height = narrow ? NARROW_ROW : ROW
  const { unseen, onScroll, toTop } = useAnchor(scroller, entries, height)

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={setScroller}
        onScroll={onScroll}
        role="group"
        aria-label="Latest events"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard
        tabIndex={0}
        className="absolute inset-0 overflow-y-auto -outline-offset-2 [overflow-anchor:none]"
      >
        {scroller && <Rows key={height} {...{ scroller, entries, names, height, narrow }} />}
      </div>
      {unseen > 0 && (
        <Button
          look="accent"
          className="absolute top-2 left-1/2 -translate-x-1/2 rounded-full shadow-lg"
          onClick={toTop}
        >
          <ArrowUp aria-hidden="true" /> {unseen} new
        </Button>
      )}
    </div>
  )
}

interface RowsProps extends FeedListProps {
  scroller: HTMLDivElement
  height: number
  narrow: boolean
}

function Rows({ scroller, entries, names, height, narrow }: RowsProps) {
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller,
    getItemKey: (index) => entries[index]?.id ?? index,
    estimateSize: () => height,
    overscan: 8,
  })
  return (
    <div role="list" className="relative" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ key, index, start, size }) => {
        const entry = entries[index]
        if (!entry) return null
        return (
          <div
            key={key}
            role="listitem"
            aria-setsize={entries.length}
            aria-posinset={index + 1}
            className="absolute inset-x-0 top-0"
            style={{ height: size, transform: `translateY(${start}px)` }}
          >
            <FeedRow entry={entry} project={names.get(entry.sessionId ?? '')} narrow={narrow} />
          </div>
        )
      })}
    </div>
  )
}
