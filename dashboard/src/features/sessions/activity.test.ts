import { expect, test } from 'vitest'

import { buildSession, NOON, quietSession } from '@/testing/factories'

import { isQuiet, newestFirst } from './activity'

const seenAt = (time: string) => buildSession({ last_seen_at: `2025-06-02T${time}Z` })

test('the session that did something last comes first', () => {
  const [a, b, c] = [seenAt('11:00:00.000'), seenAt('11:59:59.500'), seenAt('09:30:00.000')]
  expect(newestFirst([a, b, c])).toEqual([b, a, c])
})

test('a session is quiet after five minutes without activity', () => {
  expect(isQuiet(quietSession(), NOON)).toBe(true)
  expect(isQuiet(seenAt('11:55:00.000'), NOON)).toBe(false)
})
