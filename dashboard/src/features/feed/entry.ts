import type { Action, ToolType } from '@/api/actions'
import { eventAction, eventDetails, type EventDetails } from '@/api/events'
import type { EventFrame } from '@/api/frames'
import { shortId } from '@/api/sessions'

export type EntryKind =
  | 'tool'
  | 'agent'
  | 'session'
  | 'prompt'
  | 'compaction'
  | 'message'
  | 'brief'
  | 'other'

/** One line of the feed, whatever it came from. */
export interface Entry {
  id: string
  kind: EntryKind
  /** Set on tool calls only. */
  tool: ToolType | null
  title: string
  summary: string
  at: number
  /** When the push brought it, 0 for what was fetched. */
  arrivedAt: number
  sessionId: string | null
  durationMs: number | null
  /** Null where there is nothing to succeed or fail. */
  ok: boolean | null
}

type Description = Partial<Omit<Entry, 'at' | 'arrivedAt'>> & Pick<Entry, 'kind' | 'title'>
type Describe = (details: EventDetails) => Description

const EVENTS: Record<string, Describe> = {
  'action.created': () => ({ kind: 'tool', tool: 'builtin', title: 'Tool call' }),
  'request.created': ({ prompt }) => ({
    kind: 'prompt',
    title: 'Prompt',
    ...summed(prompt),
  }),
  'session.created': ({ id, session_id }) => ({
    kind: 'session',
    title: 'Session started',
    sessionId: session_id ?? id ?? null,
  }),
  'session.ended': ({ id, session_id }) => ({
    kind: 'session',
    title: 'Session ended',
    sessionId: session_id ?? id ?? null,
  }),
  'subtask.created': (details) =>
    details.status === 'running' ? started(details) : subagent(details, 'Subagent queued'),
  'subtask.running': (details) => started(details),
  'subtask.completed': (details) => ({ ...subagent(details, 'Subagent finished'), ok: true }),
  'subtask.failed': (details) => ({ ...subagent(details, 'Subagent failed'), ok: false }),
  'message.new': ({ from, to, topic }) => ({
    kind: 'message',
    title: 'Message',
    ...summed(from && to ? `${from} to ${to}` : from, topic),
  }),
  'compact.saved': ({ trigger }) => ({
    kind: 'compaction',
    title: 'Compaction',
    ...summed(trigger),
  }),
  'brief.ready': () => ({ kind: 'brief', title: 'Brief ready' }),
}

const RETOLD = new Set(['agent.connected', 'agent.disconnected'])

/** Whether an event says what a subtask's own event says too. */
export function isRetold({ event, data }: EventFrame): boolean {
  return RETOLD.has(event) && typeof data === 'object' && data !== null && 'subtask_id' in data
}

export function entryOfAction(action: Action, arrivedAt = 0): Entry {
  return {
    id: `action:${action.id}`,
    kind: 'tool',
    tool: action.tool_type,
    title: toolTitle(action.tool_name),
    summary: action.summary || (action.file_paths[0] ?? ''),
    at: Date.parse(action.created_at),
    arrivedAt,
    sessionId: action.session_id,
    durationMs: action.duration_ms,
    ok: action.success,
  }
}

export function entryOfEvent(frame: EventFrame, arrivedAt: number): Entry {
  const action = frame.event === 'action.created' ? eventAction(frame) : null
  if (action) return entryOfAction(action, arrivedAt)
  const details = eventDetails(frame)
  const describe = EVENTS[frame.event] ?? plain(frame)
  return {
    id: entryId(frame, details),
    tool: null,
    summary: details.truncated ? 'too long to be pushed' : '',
    at: frame.timestamp,
    arrivedAt,
    sessionId: details.session_id ?? null,
    durationMs: null,
    ok: null,
    ...describe(details),
  }
}

/** An event told on two channels arrives in two frames; its subject's id shows that it is one. */
function entryId(frame: EventFrame, { id }: EventDetails): string {
  if (!id || !(frame.event in EVENTS)) return frame.id
  return frame.event === 'action.created' ? `action:${id}` : `${frame.event}:${id}`
}

function plain({ event }: EventFrame): Describe {
  return ({ id, description, status }) => ({
    kind: event.startsWith('agent') ? 'agent' : 'other',
    title: event,
    ...summed(description ?? status ?? (id ? shortId(id) : '')),
  })
}

function subagent({ agent_type, description }: EventDetails, title: string): Description {
  return { kind: 'agent', title, ...summed(agent_type, description) }
}

/** A summary only where there is something to say. */
function summed(...parts: (string | null | undefined)[]): { summary?: string } {
  const summary = parts.filter(Boolean).join(': ')
  return summary ? { summary } : {}
}

/** Told by `created` or by `running`, whichever says first that it runs. */
function started(details: EventDetails): Description {
  const start = subagent(details, 'Subagent started')
  return details.id ? { ...start, id: `subtask.running:${details.id}` } : start
}

function toolTitle(name: string): string {
  if (!name.startsWith('mcp__')) return name
  return name.slice('mcp__'.length).replace('__', ' · ')
}
