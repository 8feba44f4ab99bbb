import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

export const TOOL_TYPES = ['builtin', 'agent', 'skill', 'command', 'mcp'] as const

export type ToolType = (typeof TOOL_TYPES)[number]

export const actionSchema = z.object({
  id: z.string(),
  tool_name: z.string(),
  // A type this dashboard does not know yet is drawn like a builtin, not refused.
  tool_type: z.enum(TOOL_TYPES).catch('builtin'),
  exit_code: z.number(),
  success: z.boolean(),
  duration_ms: z.number().nullable(),
  file_paths: z.array(z.string()),
  created_at: z.string(),
  session_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  summary: z.string(),
})

const actionsSchema = z.object({ actions: z.array(actionSchema) })

const hourlySchema = z.object({
  data: z.array(z.object({ hour: z.string(), count: z.number() })),
})

export type Action = z.infer<typeof actionSchema>
export type HourlyCount = z.infer<typeof hourlySchema>['data'][number]

export const recentActionsQuery = queryOptions({
  queryKey: ['actions', 'recent'],
  queryFn: ({ signal }) => getJson('/api/actions?limit=200', actionsSchema, { signal }),
})

export const hourlyActionsQuery = queryOptions({
  queryKey: ['actions', 'hourly'],
  queryFn: ({ signal }) => getJson('/api/actions/hourly', hourlySchema, { signal }),
})
