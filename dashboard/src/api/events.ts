import * as z from 'zod'

import { actionSchema, type Action } from './actions'
import type { EventFrame } from './frames'

const text = z.string().nullish().catch(null)

const detailsSchema = z.object({
  id: text,
  session_id: text,
  project_name: text,
  prompt: text,
  agent_type: text,
  agent_id: text,
  status: text,
  description: text,
  from: text,
  to: text,
  topic: text,
  trigger: text,
  truncated: z.boolean().catch(false),
})

/** The fields of an event that the dashboard draws; each may be missing or cut. */
export type EventDetails = z.infer<typeof detailsSchema>

/** The action an `action.created` carries, or null when a field of it is missing. */
export function eventAction(frame: EventFrame): Action | null {
  return actionSchema.safeParse(frame.data).data ?? null
}

export function eventDetails(frame: EventFrame): EventDetails {
  return detailsSchema.parse(frame.data)
}
