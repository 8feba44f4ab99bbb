import { useLayoutEffect, useState } from 'react'

/** Whether an element is narrower than `limit` pixels. */
export function useNarrow(element: HTMLElement | null, limit: number): boolean {
  const [narrow, setNarrow] = useState(false)
  useLayoutEffect(() => {
    if (!element) return
    const watch = new ResizeObserver(() => setNarrow(element.clientWidth < limit))
    watch.observe(element)
    return () => watch.disconnect()
  }, [element, limit])
  return narrow
}
