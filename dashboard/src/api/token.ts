import * as z from 'zod'

import { getJson } from './request'

const tokenSchema = z.object({ token: z.string() })

/** A token that opens the WebSocket for five minutes, for pages that are not on DCM's own machine. */
export async function fetchSocketToken(): Promise<string> {
  const wanted = { method: 'POST', body: { agent_id: 'dashboard' } } as const
  return (await getJson('/api/auth/token', tokenSchema, wanted)).token
}
