import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'

import { activeSessionsQuery, recentSessionsQuery, type Session } from '@/api/sessions'
import { useRefresh } from '@/live'

export type SessionNames = ReadonlyMap<string, string>

const REFRESH = { on: ['session.'], queryKey: recentSessionsQuery.queryKey } as const

/** The project a session works in, by session id. */
export function useSessionNames(): SessionNames {
  const recent = useQuery(recentSessionsQuery).data
  const active = useQuery(activeSessionsQuery).data
  useRefresh(REFRESH)
  return useMemo(
    () => new Map([...names(recent?.sessions), ...names(active?.sessions)]),
    [recent, active],
  )
}

function names(sessions: Session[] = []): [string, string][] {
  return sessions.flatMap(({ id, project_name }) => (project_name ? [[id, project_name]] : []))
}
