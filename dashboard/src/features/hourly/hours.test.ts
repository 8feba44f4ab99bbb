import { expect, test } from 'vitest'

import { NOON } from '@/testing/factories'

import { busiest, fillHours } from './hours'

const NOW = NOON + 25 * 60_000

test('an empty day is 24 hours of nothing, the current one last', () => {
  const hours = fillHours([], NOW)
  expect(hours).toHaveLength(24)
  expect(hours.every(({ count }) => count === 0)).toBe(true)
  expect(hours.at(-1)?.at).toBe(NOON)
  expect(hours[0]?.at).toBe(NOON - 23 * 3_600_000)
})

test('hours between two busy ones are filled with 0', () => {
  const hours = fillHours(
    [
      { hour: '2025-06-02T09:00:00.000Z', count: 4 },
      { hour: '2025-06-02T12:00:00.000Z', count: 7 },
    ],
    NOW,
  )
  expect(hours.slice(-5).map(({ count }) => count)).toEqual([0, 4, 0, 0, 7])
})

test('what is older than a day is left out', () => {
  const hours = fillHours([{ hour: '2025-06-01T12:00:00.000Z', count: 9 }], NOW)
  expect(busiest(hours)).toBeUndefined()
})
