import { Tooltip } from '@/ui/tooltip'

import { Mark } from './Mark'
import { NAVIGATION } from './navigation'

export function NavigationRail() {
  return (
    <nav
      aria-label="Main"
      className="sticky top-0 hidden h-dvh w-14 shrink-0 flex-col items-center gap-4 border-r border-line-soft bg-panel/60 py-3 md:flex"
    >
      <Mark className="size-8" />
      {NAVIGATION.map(({ label, destinations }) => (
        <ul key={label} aria-label={label} className="flex flex-col gap-1">
          {destinations.map(({ label: name, href, icon: Icon }) => (
            <li key={href}>
              <Tooltip text={name} side="right">
                <a
                  href={href}
                  aria-label={name}
                  aria-current={location.pathname === href ? 'page' : undefined}
                  className="flex size-9 items-center justify-center rounded-lg text-faint transition-colors hover:bg-raised hover:text-text aria-[current]:bg-raised aria-[current]:text-accent"
                >
                  <Icon aria-hidden="true" className="size-[1.125rem]" />
                </a>
              </Tooltip>
            </li>
          ))}
        </ul>
      ))}
    </nav>
  )
}
