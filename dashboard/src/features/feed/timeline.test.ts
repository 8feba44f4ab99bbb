import { expect, test } from 'vitest'

import { buildAction, buildFrame, failedAction, NOON } from '@/testing/factories'

import { entryOfAction, entryOfEvent, type Entry } from './entry'
import { filterEntries, type Filter } from './filters'
import { addArrivals, addHistory, EMPTY, KEPT } from './timeline'

const entryAt = (seconds: number, id = `a${seconds}`): Entry =>
  entryOfAction(buildAction({ id, created_at: new Date(NOON + seconds * 1_000).toISOString() }))

const titles = ({ entries }: { entries: Entry[] }) => entries.map(({ id }) => id.slice(7))

test('newest comes first, whatever the order of arrival', () => {
  const timeline = addArrivals(addArrivals(EMPTY, [entryAt(3), entryAt(1)]), [entryAt(2), entryAt(4)])
  expect(titles(timeline)).toEqual(['a4', 'a3', 'a2', 'a1'])
})

test('of two at the same moment the one told later is on top', () => {
  const timeline = addArrivals(EMPTY, [entryAt(1, 'first'), entryAt(1, 'second')])
  expect(titles(timeline)).toEqual(['second', 'first'])
})

test('the 500 newest are kept', () => {
  const many = Array.from({ length: KEPT + 20 }, (_, second) => entryAt(second))
  const timeline = addArrivals(EMPTY, many)
  expect(timeline.entries).toHaveLength(500)
  expect(titles(timeline).at(-1)).toBe('a20')
  expect(timeline.arrived).toBe(520)
})

test('what is there already is not added again', () => {
  const once = addArrivals(EMPTY, [entryAt(1), entryAt(1)])
  expect(addArrivals(once, [entryAt(1)])).toEqual(once)
  expect(once.arrived).toBe(1)
})

test('history fills the gap below and between what was pushed', () => {
  const pushed = addArrivals(EMPTY, [entryAt(2), entryAt(9)])
  const whole = addHistory(pushed, [entryAt(1), entryAt(2), entryAt(5)])
  expect(titles(whole)).toEqual(['a9', 'a5', 'a2', 'a1'])
  expect(whole.arrived).toBe(2)
})

test('history completes what was pushed without its details', () => {
  const cut = entryOfEvent(buildFrame('action.created', { id: 'a1', truncated: true }), NOON)
  const { entries } = addHistory(addArrivals(EMPTY, [cut]), [entryAt(1)])
  expect(entries).toMatchObject([{ title: 'Read', arrivedAt: NOON }])
})

test.each<[Filter, string[]]>([
  ['all', ['Read', 'Bash', 'Task', 'Subagent failed', 'Prompt']],
  ['tools', ['Read', 'Bash', 'Task']],
  ['failures', ['Bash', 'Subagent failed']],
  ['agents', ['Task', 'Subagent failed']],
])('%s lets through %j', (filter, expected) => {
  const entries = [
    entryOfAction(buildAction()),
    entryOfAction(failedAction()),
    entryOfAction(buildAction({ tool_name: 'Task', tool_type: 'agent' })),
    entryOfEvent(buildFrame('subtask.failed'), NOON),
    entryOfEvent(buildFrame('request.created'), NOON),
  ]
  expect(filterEntries(entries, filter).map(({ title }) => title)).toEqual(expected)
})
