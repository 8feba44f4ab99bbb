import type { Entry } from './entry'

export const KEPT = 500

export interface Timeline {
  /** Newest first, at most `KEPT`. */
  entries: Entry[]
  /** How many were pushed so far, kept or not. */
  arrived: number
}

export const EMPTY: Timeline = { entries: [], arrived: 0 }

/** Adds what was pushed; what is already there stays as it is. */
export function addArrivals({ entries, arrived }: Timeline, arrivals: readonly Entry[]): Timeline {
  const known = new Set(entries.map(({ id }) => id))
  const fresh = arrivals.filter(({ id }) => !known.has(id) && known.add(id))
  if (fresh.length === 0) return { entries, arrived }
  return { entries: interleave(entries, fresh), arrived: arrived + fresh.length }
}

/** Adds what was fetched; it is whole, so it replaces what a push may have cut short. */
export function addHistory({ entries, arrived }: Timeline, history: readonly Entry[]): Timeline {
  const known = new Map(entries.map((entry) => [entry.id, entry]))
  const whole = history.map((entry) => ({
    ...entry,
    arrivedAt: known.get(entry.id)?.arrivedAt ?? entry.arrivedAt,
  }))
  const fetched = new Set(history.map(({ id }) => id))
  const others = entries.filter(({ id }) => !fetched.has(id))
  return { entries: interleave(others, whole), arrived }
}

function interleave(entries: readonly Entry[], added: readonly Entry[]): Entry[] {
  // Of two at the same moment the later told one is the newer.
  return [...added.toReversed(), ...entries].sort((a, b) => b.at - a.at).slice(0, KEPT)
}
