import { useQuery } from '@tanstack/react-query'

import { configQuery } from '@/api/config'

import { ConnectionSign } from './ConnectionSign'
import { Mark } from './Mark'
import { ThemeToggle } from './ThemeToggle'
import { NAVIGATION } from './navigation'

export function Header({ title }: { title: string }) {
  const version = useQuery(configQuery).data?.version
  return (
    <header className="sticky top-0 z-10 flex h-13 shrink-0 items-center gap-3 border-b border-line-soft bg-canvas/75 px-4 backdrop-blur-md">
      <Mark className="size-6 shrink-0 md:hidden" />
      <p className="hidden items-baseline gap-1.5 sm:flex">
        <span className="font-semibold tracking-tight">DCM</span>
        {version && <span className="text-2xs text-faint tabular-nums">{version}</span>}
      </p>
      <span aria-hidden="true" className="hidden h-4 w-px bg-line sm:block" />
      <h1 className="truncate text-soft">{title}</h1>
      <div className="ml-auto flex shrink-0 items-center gap-1.5">
        <SmallNavigation />
        <ConnectionSign />
        <ThemeToggle />
      </div>
    </header>
  )
}

/** Where there is no room for the rail: the pages we are not on. */
function SmallNavigation() {
  const elsewhere = NAVIGATION.flatMap(({ destinations }) => destinations).filter(
    ({ href }) => href !== location.pathname,
  )
  return (
    <nav aria-label="Other pages" className="flex md:hidden">
      {elsewhere.map(({ label, href, icon: Icon }) => (
        <a key={href} href={href} aria-label={`Go to ${label}`} className="p-2 text-soft">
          <Icon aria-hidden="true" className="size-4" />
        </a>
      ))}
    </nav>
  )
}
