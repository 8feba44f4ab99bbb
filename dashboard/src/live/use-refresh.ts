import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent } from 'react'

import { useLive } from './live-context'
import { throttle } from './throttle'

interface Refresh {
  /** Beginnings of the event names that change the data. */
  on: readonly string[]
  queryKey: readonly string[]
  /** At most one fetch per this many milliseconds. */
  every?: number
}

/** Push says that something changed, the query fetches what. */
export function useRefresh({ on, queryKey, every = 1_000 }: Refresh): void {
  const { subscribe } = useLive()
  const client = useQueryClient()
  const matches = useEffectEvent((event: string) => on.some((start) => event.startsWith(start)))
  const fetch = useEffectEvent(() => client.invalidateQueries({ queryKey }))

  useEffect(() => {
    const refresh = throttle(() => fetch(), every)
    const leave = subscribe((events) => {
      if (events.some(({ event }) => matches(event))) refresh()
    })
    return () => {
      leave()
      refresh.cancel()
    }
  }, [subscribe, every])
}
