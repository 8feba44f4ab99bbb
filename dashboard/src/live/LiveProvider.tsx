import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'
import type { ReactNode } from 'react'

import { configQuery } from '@/api/config'
import type { EventFrame } from '@/api/frames'
import { fetchSocketToken } from '@/api/token'

import { Batch } from './batch'
import { LiveContext, type EventListener } from './live-context'
import { LiveSocket, type LiveStatus } from './socket'

const RESYNC_LIVE_MS = 60_000
const RESYNC_DEAF_MS = 10_000

/** Holds the app's single connection and tells everyone below what it hears. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [{ status, liveUntil }, setConnection] = useState({
    status: 'connecting' as LiveStatus,
    liveUntil: 0,
  })
  const listeners = useRef(new Set<EventListener>())

  const subscribe = useCallback((listener: EventListener) => {
    const all = listeners.current
    all.add(listener)
    return () => void all.delete(listener)
  }, [])

  const onStatus = useCallback((next: LiveStatus) => {
    setConnection((last) => ({
      status: next,
      liveUntil: last.status === 'live' ? Date.now() : last.liveUntil,
    }))
  }, [])

  const onEvents = useCallback((events: EventFrame[]) => {
    for (const listener of listeners.current) listener(events)
  }, [])

  useConnection(onStatus, onEvents)
  useResync(status)

  const live = useMemo(() => ({ status, liveUntil, subscribe }), [status, liveUntil, subscribe])
  return <LiveContext value={live}>{children}</LiveContext>
}

function useConnection(
  onStatus: (status: LiveStatus) => void,
  onEvents: (events: EventFrame[]) => void,
): void {
  const client = useQueryClient()
  const { ws_port: port, ws_needs_token: needsToken } = useQuery(configQuery).data ?? {}
  const refetchAll = useEffectEvent(() => void client.invalidateQueries())

  useEffect(() => {
    if (port === undefined) return
    const batch = new Batch(onEvents)
    const listener = {
      onStatus,
      onEvent: (event: EventFrame) => batch.add(event),
      onReturn: () => refetchAll(),
    }
    const socket = new LiveSocket(
      socketUrl(port),
      listener,
      needsToken ? fetchSocketToken : undefined,
    )
    socket.open()
    return () => {
      socket.close()
      batch.clear()
    }
  }, [port, needsToken, onStatus, onEvents])
}

/** Push can lose things and a day's window slides, so now and then everything is asked again. */
function useResync(status: LiveStatus): void {
  const client = useQueryClient()
  const interval = status === 'live' ? RESYNC_LIVE_MS : RESYNC_DEAF_MS
  useEffect(() => {
    const timer = setInterval(() => void client.invalidateQueries(), interval)
    return () => clearInterval(timer)
  }, [client, interval])
}

function socketUrl(port: number): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return `${scheme}://${location.hostname}:${port}/`
}
