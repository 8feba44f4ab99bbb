const FIRST_MS = 1_000
const LONGEST_MS = 30_000

/**
 * How long to wait before attempt number `attempt` (0 is the first).
 * Between half and all of the doubled time, so that many tabs do not return at once.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt)
  return Math.max(FIRST_MS, ceiling * (0.5 + random() / 2))
}
