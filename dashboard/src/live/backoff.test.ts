import { expect, test } from 'vitest'

import { backoff } from './backoff'

const waits = (random: number) => [0, 1, 2, 3, 4, 5, 6, 50].map((attempt) => backoff(attempt, () => random))

test('waits twice as long after each failure, up to 30 s', () => {
  expect(waits(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('spreads the waits, and never below 1 s', () => {
  expect(waits(0)).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
})
