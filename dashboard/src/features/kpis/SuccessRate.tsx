import { cn } from '@/ui/class-names'

const GOOD = 90
const FAIR = 70

interface SuccessRateProps {
  total: number
  success_rate: number
}

/** The rate with a bar under it: green from 90 %, amber from 70 %, else red. */
export function SuccessRate({ total, success_rate: rate }: SuccessRateProps) {
  if (total === 0) return <span className="text-faint">–</span>
  return (
    <span className="flex items-center gap-2.5">
      <span>
        {rate}
        <span className="ml-0.5 text-base/7 text-soft">%</span>
      </span>
      <span aria-hidden="true" className="h-1 w-full max-w-16 rounded-full bg-raised">
        <span
          className={cn('block h-full rounded-full', tone(rate))}
          style={{ width: `${Math.min(100, Math.max(0, rate))}%` }}
        />
      </span>
    </span>
  )
}

function tone(rate: number): string {
  if (rate >= GOOD) return 'bg-good'
  return rate >= FAIR ? 'bg-warn' : 'bg-bad'
}
