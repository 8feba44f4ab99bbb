import type { Session } from '@/api/sessions'

const QUIET_AFTER_MS = 5 * 60_000

export function newestFirst(sessions: readonly Session[]): Session[] {
  return sessions.toSorted((a, b) => Date.parse(b.last_seen_at) - Date.parse(a.last_seen_at))
}

export function isQuiet(session: Session, now: number): boolean {
  return now - Date.parse(session.last_seen_at) > QUIET_AFTER_MS
}
