import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

const systemSchema = z.object({
  queue: z.object({ depth: z.number(), lag_seconds: z.number() }).nullable(),
  failures: z.object({ rejected: z.number().nullable(), dead: z.number().nullable() }),
  disk: z.object({
    database_bytes: z.number().nullable(),
    valkey_bytes: z.number().nullable(),
    free_bytes: z.number(),
    total_bytes: z.number(),
  }),
  away: z.record(z.string(), z.string()),
})

export type System = z.infer<typeof systemSchema>

/** Nothing pushes these figures: they are asked for while somebody looks. */
export const systemQuery = queryOptions({
  queryKey: ['system'],
  queryFn: ({ signal }) => getJson('/api/system', systemSchema, { signal }),
  refetchInterval: 3_000,
})
