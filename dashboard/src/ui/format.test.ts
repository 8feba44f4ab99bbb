import { expect, test } from 'vitest'

import { formatAge, formatBytes, formatDuration } from './format'

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_240, '1.2 s'],
  [59_999, '1m 0s'],
  [192_000, '3m 12s'],
  [3_900_000, '1h 5m'],
])('a duration of %i ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

test.each([
  [-50, '0 s'],
  [12_900, '12 s'],
  [60_000, '1 min'],
  [7_200_000, '2 h'],
  [200_000_000, '2 d'],
])('an age of %i ms is %s', (ms, text) => expect(formatAge(ms)).toBe(text))

test.each([
  [0, '0 B'],
  [84_213, '84 KB'],
  [999_600, '1.0 MB'],
  [999_960_000, '1.0 GB'],
])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
