import { expect, test } from 'vitest'

import { buildAction, buildFrame, NOON } from '@/testing/factories'

import { entryOfAction, entryOfEvent, isRetold } from './entry'

const described = (event: string, data: object) => {
  const { kind, title, summary, sessionId, ok } = entryOfEvent(buildFrame(event, data), NOON)
  return { kind, title, summary, sessionId, ok }
}

test('a pushed action and the same one fetched are one entry', () => {
  const action = buildAction()
  const pushed = entryOfEvent(buildFrame('action.created', action), NOON)
  expect(pushed).toEqual({ ...entryOfAction(action), arrivedAt: NOON })
})

test('an MCP tool is named by server and tool', () => {
  const action = buildAction({ tool_name: 'mcp__github__create_issue', tool_type: 'mcp' })
  expect(entryOfAction(action).title).toBe('github · create_issue')
})

test('an action without a summary shows its first file', () => {
  const action = buildAction({ summary: '', file_paths: ['a.py', 'b.py'] })
  expect(entryOfAction(action).summary).toBe('a.py')
})

test.each([
  ['request.created', { prompt: 'Go on' }, { kind: 'prompt', title: 'Prompt', summary: 'Go on' }],
  ['session.created', { id: 's1' }, { title: 'Session started', sessionId: 's1' }],
  ['session.ended', { id: 's1' }, { title: 'Session ended', sessionId: 's1' }],
  [
    'subtask.running',
    { id: 't1', agent_type: 'reviewer', description: 'look for races' },
    { kind: 'agent', title: 'Subagent started', summary: 'reviewer: look for races' },
  ],
  ['subtask.completed', { id: 't1' }, { title: 'Subagent finished', ok: true }],
  ['subtask.failed', { id: 't1' }, { title: 'Subagent failed', ok: false }],
  ['message.new', { from: 'a', to: 'b', topic: 'api' }, { kind: 'message', summary: 'a to b: api' }],
  ['compact.saved', { trigger: 'auto' }, { kind: 'compaction', summary: 'auto' }],
  ['brief.ready', { session_id: 's1' }, { kind: 'brief', sessionId: 's1' }],
  ['agent.blocked', {}, { kind: 'agent', title: 'agent.blocked' }],
  ['weather.changed', { id: 12, status: null }, { kind: 'other', title: 'weather.changed' }],
])('%s is drawn from %j', (event, data, expected) => {
  expect(described(event, data)).toMatchObject(expected)
})

test.each(['action.created', 'request.created', 'subtask.completed', 'message.new', 'other.thing'])(
  '%s may come without its details',
  (event) => {
    const entry = entryOfEvent(buildFrame(event, { id: 'x1', truncated: true }), NOON)
    expect(entry.title).not.toBe('')
    expect(entry.at).toBe(NOON)
  },
)

test('a truncated prompt says why it is not shown', () => {
  expect(described('request.created', { id: 'r1', truncated: true }).summary).toBe(
    'too long to be pushed',
  )
})

test('an event told on two channels is one entry, two of an unknown kind are two', () => {
  const ids = (event: string) =>
    new Set([1, 2].map(() => entryOfEvent(buildFrame(event, { id: 'x1' }), NOON).id))
  expect(ids('message.new').size).toBe(1)
  expect(ids('task.updated').size).toBe(2)
})

test('a subagent that is created running has started once', () => {
  const created = entryOfEvent(buildFrame('subtask.created', { id: 't1', status: 'running' }), NOON)
  const running = entryOfEvent(buildFrame('subtask.running', { id: 't1' }), NOON)
  expect(created).toMatchObject({ id: running.id, title: 'Subagent started' })
})

test('an agent event that names a subtask is told by the subtask already', () => {
  expect(isRetold(buildFrame('agent.connected', { subtask_id: 't1' }))).toBe(true)
  expect(isRetold(buildFrame('agent.connected', { agent_id: 'a1' }))).toBe(false)
  expect(isRetold(buildFrame('subtask.running', { id: 't1' }))).toBe(false)
})
