import { useQuery } from '@tanstack/react-query'

import { kpisQuery, type Kpis as Figures } from '@/api/kpis'
import { FeedPanel } from '@/features/feed/FeedPanel'
import { HourlyPanel } from '@/features/hourly/HourlyPanel'
import { Kpis } from '@/features/kpis/Kpis'
import { SessionsPanel } from '@/features/sessions/SessionsPanel'
import { Welcome } from '@/features/welcome/Welcome'
import { cn } from '@/ui/class-names'

export function DashboardPage() {
  const figures = useQuery(kpisQuery).data
  const untouched = figures !== undefined && isUntouched(figures)
  return (
    <div className="grid min-w-0 flex-1 gap-3 p-3 sm:gap-4 sm:p-4 xl:min-h-[42rem] xl:grid-cols-[minmax(0,5fr)_minmax(0,6fr)] xl:grid-rows-[minmax(0,1fr)]">
      <div className="flex min-w-0 flex-col gap-3 sm:gap-4 xl:min-h-0">
        <Kpis />
        {untouched ? (
          <Welcome className="flex-1" />
        ) : (
          <>
            <HourlyPanel className="h-60 shrink-0" />
            <SessionsPanel className="max-h-[36rem] min-h-52 flex-1 xl:max-h-none xl:min-h-0" />
          </>
        )}
      </div>
      <FeedPanel
        className={cn('xl:h-auto xl:min-h-0', untouched ? 'h-64' : 'h-[min(40rem,85dvh)]')}
      />
    </div>
  )
}

function isUntouched({ sessions, actions_24h }: Figures): boolean {
  return sessions.total === 0 && actions_24h.total === 0
}
