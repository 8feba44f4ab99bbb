import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'

import { getJson } from './request'

const configSchema = z.object({
  version: z.string(),
  ws_port: z.number().int(),
  ws_needs_token: z.boolean().catch(false),
})

export type ServerConfig = z.infer<typeof configSchema>

export const configQuery = queryOptions({
  queryKey: ['config'],
  queryFn: ({ signal }) => getJson('/config.json', configSchema, { signal }),
  staleTime: Infinity,
  // Without it there is no socket: keep asking until the server is up.
  retry: true,
  retryDelay: 3_000,
})
