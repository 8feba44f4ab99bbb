import { createContext, use, useEffect, useEffectEvent } from 'react'

import type { EventFrame } from '@/api/frames'

import type { LiveStatus } from './socket'

export type EventListener = (events: EventFrame[]) => void

export interface Live {
  status: LiveStatus
  /** When the connection was last known to be good, in ms; 0 when it never was. */
  liveUntil: number
  /** Events arrive in batches, at most one per animation frame. Returns the way out. */
  subscribe: (listener: EventListener) => () => void
}

export const LiveContext = createContext<Live>({
  status: 'connecting',
  liveUntil: 0,
  subscribe: () => () => undefined,
})

export function useLive(): Live {
  return use(LiveContext)
}

export function useLiveEvents(listener: EventListener): void {
  const { subscribe } = useLive()
  const onEvents = useEffectEvent(listener)
  useEffect(() => subscribe((events) => onEvents(events)), [subscribe])
}
