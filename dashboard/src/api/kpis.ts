import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

const kpisSchema = z.object({
  actions_24h: z.object({
    total: z.number(),
    success: z.number(),
    success_rate: z.number(),
    unique_tools: z.number(),
    active_sessions: z.number(),
    avg_per_hour: z.number(),
  }),
  sessions: z.object({
    total: z.number(),
    active: z.number(),
    avg_tools_per_session: z.number(),
  }),
  subtasks: z.object({
    total: z.number(),
    completed: z.number(),
    running: z.number(),
    failed: z.number(),
    completion_rate: z.number(),
  }),
})

export type Kpis = z.infer<typeof kpisSchema>

export const kpisQuery = queryOptions({
  queryKey: ['kpis'],
  queryFn: ({ signal }) => getJson('/api/dashboard/kpis', kpisSchema, { signal }),
})
