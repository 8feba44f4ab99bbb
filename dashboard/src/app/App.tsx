import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useState } from 'react'

import { LiveProvider } from '@/live'
import { TooltipProvider } from '@/ui/tooltip'

import { DashboardPage } from './DashboardPage'
import { ErrorBoundary } from './ErrorBoundary'
import { Shell } from './Shell'
import { SystemPage } from './SystemPage'

export function App() {
  const [client] = useState(createQueryClient)
  const system = location.pathname === '/system'
  return (
    <QueryClientProvider client={client}>
      <LiveProvider>
        <TooltipProvider delayDuration={300}>
          <Shell title={system ? 'System' : 'Dashboard'}>
            <ErrorBoundary>
              {system ? <SystemPage /> : <DashboardPage />}
            </ErrorBoundary>
          </Shell>
        </TooltipProvider>
      </LiveProvider>
    </QueryClientProvider>
  )
}

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Push says when to fetch; the server may be on this machine, so being offline says nothing.
        staleTime: 30_000,
        networkMode: 'always',
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retry: 1,
      },
    },
  })
}
