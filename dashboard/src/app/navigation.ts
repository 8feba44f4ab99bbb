import { Activity, LayoutDashboard, type LucideIcon } from 'lucide-react'

interface Destination {
  label: string
  href: string
  icon: LucideIcon
}

interface NavigationGroup {
  label: string
  destinations: readonly Destination[]
}

/** The whole navigation on one screen. */
export const NAVIGATION: readonly NavigationGroup[] = [
  {
    label: 'Overview',
    destinations: [
      { label: 'Dashboard', href: '/', icon: LayoutDashboard },
      { label: 'System', href: '/system', icon: Activity },
    ],
  },
]
