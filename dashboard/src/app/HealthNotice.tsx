import { useQuery } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'

import { healthQuery } from '@/api/health'

export function HealthNotice() {
  const health = useQuery(healthQuery).data
  if (health?.status !== 'unhealthy') return null
  return (
    <p
      role="alert"
      className="flex items-center gap-2 border-b border-warn/30 bg-warn/10 px-4 py-2 text-xs"
    >
      <TriangleAlert aria-hidden="true" className="size-3.5 shrink-0 text-warn" />
      The server is up, but its database does not answer. What you see may be old.
    </p>
  )
}
