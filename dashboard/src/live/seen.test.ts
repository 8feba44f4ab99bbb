import { expect, test } from 'vitest'

import { Seen } from './seen'

test('knows an id the second time', () => {
  const seen = new Seen()
  expect([seen.add('a'), seen.add('b'), seen.add('a')]).toEqual([true, true, false])
})

test('forgets the oldest when it is full', () => {
  const seen = new Seen(2)
  for (const id of ['a', 'b', 'c']) seen.add(id)
  expect([seen.add('c'), seen.add('a')]).toEqual([false, true])
})
