import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

const letterSchema = z.object({
  id: z.string(),
  kind: z.enum(['event', 'message']),
  name: z.string(),
  session_id: z.string().nullable(),
  reason: z.string(),
  tries: z.number(),
  failed_at: z.string(),
  sent_again_at: z.string().nullable(),
})

const pageSchema = z.object({
  letters: z.array(letterSchema),
  counts: z.object({ events: z.number(), messages: z.number() }),
})

export type DeadLetter = z.infer<typeof letterSchema>
export type DeadLetterPage = z.infer<typeof pageSchema>

export const deadLettersQuery = queryOptions({
  queryKey: ['dead'],
  queryFn: ({ signal }) => getJson('/api/dead?limit=100', pageSchema, { signal }),
  refetchInterval: 5_000,
})

const sentSchema = z.object({ sent: z.number() })
const droppedSchema = z.object({ dropped: z.number() })

/** Have one tried again, or all when none is named. */
export const sendAgain = (id?: string) =>
  getJson(id ? `/api/dead/${id}/retry` : '/api/dead/retry', sentSchema, { method: 'POST' })

/** Forget one for good, or all when none is named. */
export const drop = (id?: string) =>
  getJson(id ? `/api/dead/${id}` : '/api/dead', droppedSchema, { method: 'DELETE' })
