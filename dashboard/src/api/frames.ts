import * as z from 'zod'

const eventFrameSchema = z.object({
  id: z.string(),
  channel: z.string(),
  event: z.string(),
  data: z.record(z.string(), z.unknown()).catch({}),
  timestamp: z.number(),
})

const controlFrameSchema = z.object({ type: z.string() })

/** What happened, as the bridge tells it. */
export type EventFrame = z.infer<typeof eventFrameSchema>

export type Frame =
  | { kind: 'event'; event: EventFrame }
  | { kind: 'connected' | 'ping' | 'pong' | 'other' }

const CONTROL_KINDS = ['connected', 'ping', 'pong'] as const

/** Reads one text frame; null when it is no frame at all. */
export function parseFrame(text: unknown): Frame | null {
  const value = parseJson(text)
  const event = eventFrameSchema.safeParse(value)
  if (event.success) return { kind: 'event', event: event.data }
  const control = controlFrameSchema.safeParse(value)
  if (!control.success) return null
  const kind = CONTROL_KINDS.find((known) => known === control.data.type)
  return { kind: kind ?? 'other' }
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return null
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
