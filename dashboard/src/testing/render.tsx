import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, render } from '@testing-library/react'
import type { ReactNode } from 'react'

import type { EventFrame } from '@/api/frames'
import { LiveContext, type Live } from '@/live'
import { TooltipProvider } from '@/ui/tooltip'

type Listener = Parameters<Live['subscribe']>[0]

/** Draws a part of the page with a live connection that the test speaks through. */
export function renderLive(children: ReactNode) {
  const listeners = new Set<Listener>()
  const live: Live = {
    status: 'live',
    liveUntil: 0,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  const push = (...events: EventFrame[]): void =>
    act(() => listeners.forEach((listener) => listener(events)))

  const view = render(
    <QueryClientProvider client={client}>
      <LiveContext value={live}>
        <TooltipProvider>{children}</TooltipProvider>
      </LiveContext>
    </QueryClientProvider>,
  )
  return { ...view, push }
}
