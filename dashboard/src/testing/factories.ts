import type { Action } from '@/api/actions'
import type { DeadLetter } from '@/api/dead'
import type { EventFrame } from '@/api/frames'
import type { Kpis } from '@/api/kpis'
import type { Session } from '@/api/sessions'
import type { System } from '@/api/system'

export const NOON = Date.parse('2025-06-02T12:00:00.000Z')

let count = 0

function nextId(): string {
  count += 1
  return `${String(count).padStart(8, '0')}-0000-4000-8000-000000000000`
}

const iso = (ms: number): string => new Date(ms).toISOString()

export const buildSession = (fields: Partial<Session> = {}): Session => ({
  id: nextId(),
  project_id: nextId(),
  project_name: 'atlas',
  project_path: '/home/dev/atlas',
  started_at: iso(NOON - 3_600_000),
  ended_at: null,
  last_seen_at: iso(NOON),
  total_tools_used: 12,
  total_success: 12,
  total_errors: 0,
  last_prompt: 'Make the refund endpoint idempotent',
  running_subagents: 0,
  context_bytes: null,
  model: null,
  ...fields,
})

export const quietSession = (fields: Partial<Session> = {}): Session =>
  buildSession({ last_seen_at: iso(NOON - 6 * 60_000), ...fields })

export const buildAction = (fields: Partial<Action> = {}): Action => ({
  id: nextId(),
  tool_name: 'Read',
  tool_type: 'builtin',
  exit_code: 0,
  success: true,
  duration_ms: 20,
  file_paths: [],
  created_at: iso(NOON),
  session_id: null,
  agent_id: null,
  summary: 'src/refunds.py',
  ...fields,
})

export const failedAction = (fields: Partial<Action> = {}): Action =>
  buildAction({ tool_name: 'Bash', exit_code: 1, success: false, ...fields })

export const buildKpis = (fields: Partial<Kpis> = {}): Kpis => ({
  actions_24h: {
    total: 2_310,
    success: 2_232,
    success_rate: 97,
    unique_tools: 14,
    active_sessions: 11,
    avg_per_hour: 96.3,
  },
  sessions: { total: 1_204, active: 8, avg_tools_per_session: 61.2 },
  subtasks: { total: 96, completed: 84, running: 6, failed: 6, completion_rate: 88 },
  ...fields,
})

export const untouchedKpis = (): Kpis => ({
  actions_24h: {
    total: 0,
    success: 0,
    success_rate: 0,
    unique_tools: 0,
    active_sessions: 0,
    avg_per_hour: 0,
  },
  sessions: { total: 0, active: 0, avg_tools_per_session: 0 },
  subtasks: { total: 0, completed: 0, running: 0, failed: 0, completion_rate: 0 },
})

export const buildSystem = (fields: Partial<System> = {}): System => ({
  queue: { depth: 12, lag_seconds: 1.4 },
  failures: { rejected: 2, dead: 1 },
  disk: {
    database_bytes: 52_000_000,
    valkey_bytes: 1_200_000,
    free_bytes: 120_000_000_000,
    total_bytes: 500_000_000_000,
  },
  away: {},
  ...fields,
})

export const buildLetter = (fields: Partial<DeadLetter> = {}): DeadLetter => ({
  id: nextId(),
  kind: 'event',
  name: 'PostToolUse',
  session_id: null,
  reason: 'DataError: value too large',
  tries: 1,
  failed_at: iso(NOON),
  sent_again_at: null,
  ...fields,
})

export const buildFrame = (
  event: string,
  data: object = {},
  fields: Partial<EventFrame> = {},
): EventFrame => ({
  id: `msg_${nextId()}`,
  channel: 'global',
  event,
  data: { ...data },
  timestamp: NOON,
  ...fields,
})
