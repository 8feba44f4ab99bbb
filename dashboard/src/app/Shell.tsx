import type { ReactNode } from 'react'

import { Header } from './Header'
import { HealthNotice } from './HealthNotice'
import { NavigationRail } from './NavigationRail'

interface ShellProps {
  title: string
  children: ReactNode
}

export function Shell({ title, children }: ShellProps) {
  return (
    <div className="flex min-h-dvh">
      <a
        href="#content"
        className="sr-only z-20 rounded-md bg-raised px-3 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <NavigationRail />
      <div className="flex min-w-0 flex-1 flex-col xl:h-dvh">
        <Header title={title} />
        <HealthNotice />
        <main id="content" tabIndex={-1} className="flex flex-1 flex-col outline-none xl:min-h-0">
          {children}
        </main>
      </div>
    </div>
  )
}
