import { useQuery } from '@tanstack/react-query'

import { configQuery } from '@/api/config'

import { ConnectionSign } from './ConnectionSign'
import { Mark } from './Mark'
import { ThemeToggle } from './ThemeToggle'

export function Header({ title }: { title: string }) {
  const version = useQuery(configQuery).data?.version
  return (
    <header className="sticky top-0 z-10 flex h-13 shrink-0 items-center gap-3 border-b border-line-soft bg-canvas/75 px-4 backdrop-blur-md">
      <Mark className="size-6 md:hidden" />
      <p className="flex items-baseline gap-1.5">
        <span className="font-semibold tracking-tight">DCM</span>
        {version && <span className="text-2xs text-faint tabular-nums">{version}</span>}
      </p>
      <span aria-hidden="true" className="h-4 w-px bg-line" />
      <h1 className="truncate text-soft">{title}</h1>
      <div className="ml-auto flex items-center gap-1.5">
        <ConnectionSign />
        <ThemeToggle />
      </div>
    </header>
  )
}
