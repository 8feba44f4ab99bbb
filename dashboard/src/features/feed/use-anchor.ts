import { useLayoutEffect, useRef, useState } from 'react'

import type { Entry } from './entry'

/**
 * Keeps what a reader looks at in place while new rows come in above it.
 * At the very top the list simply follows what is newest.
 */
export function useAnchor(
  scroller: HTMLElement | null,
  entries: Entry[],
  rowHeight: number,
) {
  const newest = useRef(entries[0]?.id)
  const [unseen, setUnseen] = useState(0)

  useLayoutEffect(() => {
    const added = entries.findIndex(({ id }) => id === newest.current)
    newest.current = entries[0]?.id
    if (!scroller || added <= 0 || scroller.scrollTop < rowHeight) return
    scroller.scrollBy({ top: added * rowHeight })
    setUnseen((count) => count + added)
  }, [scroller, entries, rowHeight])

  const onScroll = (): void => {
    if ((scroller?.scrollTop ?? 0) < rowHeight) setUnseen(0)
  }
  const toTop = (): void => {
    scroller?.scrollTo({ top: 0 })
    scroller?.focus()
  }
  return { unseen, onScroll, toTop }
}
