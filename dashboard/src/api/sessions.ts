import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

const sessionSchema = z.object({
  id: z.string(),
  project_id: z.string().nullable(),
  project_name: z.string().nullable(),
  project_path: z.string().nullable(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  last_seen_at: z.string(),
  total_tools_used: z.number(),
  total_success: z.number(),
  total_errors: z.number(),
  last_prompt: z.string().nullable(),
  running_subagents: z.number(),
  context_bytes: z.number().nullable(),
  model: z.string().nullable(),
})

const sessionsSchema = z.object({ sessions: z.array(sessionSchema), total: z.number() })

export type Session = z.infer<typeof sessionSchema>

export const activeSessionsQuery = queryOptions({
  queryKey: ['sessions', 'active'],
  queryFn: ({ signal }) =>
    getJson('/api/sessions?active_only=true&sort=activity&limit=100', sessionsSchema, { signal }),
})

/** Ended ones too: enough to give a name to what the feed shows. */
export const recentSessionsQuery = queryOptions({
  queryKey: ['sessions', 'recent'],
  queryFn: ({ signal }) => getJson('/api/sessions?sort=activity&limit=100', sessionsSchema, { signal }),
})

/** The first group of a session id: enough for a person to tell two apart. */
export function shortId(sessionId: string): string {
  return sessionId.slice(0, 8)
}
