import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

const healthSchema = z.object({ status: z.enum(['healthy', 'unhealthy']) })

export type Health = z.infer<typeof healthSchema>

export const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: ({ signal }) => getJson('/health', healthSchema, { signal, accept: [503] }),
  refetchInterval: 30_000,
})
