import type { HourlyCount } from '@/api/actions'

const HOUR_MS = 3_600_000
const HOURS = 24

export interface Hour {
  /** Start of the hour, in ms. */
  at: number
  count: number
}

/** The 24 hours that end with the current one, oldest first; an hour nobody worked in counts 0. */
export function fillHours(counts: readonly HourlyCount[], now: number): Hour[] {
  const known = new Map(counts.map(({ hour, count }) => [startOfHour(Date.parse(hour)), count]))
  const current = startOfHour(now)
  return Array.from({ length: HOURS }, (_, position) => {
    const at = current - (HOURS - 1 - position) * HOUR_MS
    return { at, count: known.get(at) ?? 0 }
  })
}

export function busiest(hours: readonly Hour[]): Hour | undefined {
  return hours.reduce<Hour | undefined>(
    (best, hour) => (hour.count > (best?.count ?? 0) ? hour : best),
    undefined,
  )
}

function startOfHour(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS
}
