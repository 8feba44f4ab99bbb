import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { Batch } from './batch'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('hands over once per frame whatever came in it', () => {
  const deliver = vi.fn()
  const batch = new Batch<number>(deliver)
  for (const item of [1, 2, 3]) batch.add(item)
  expect(deliver).not.toHaveBeenCalled()
  vi.advanceTimersToNextFrame()
  expect(deliver.mock.calls).toEqual([[[1, 2, 3]]])
})

test('hands over in a hidden tab too, where no frame comes', () => {
  vi.stubGlobal('requestAnimationFrame', () => 1)
  const deliver = vi.fn()
  const batch = new Batch<number>(deliver)
  batch.add(1)
  vi.advanceTimersByTime(1_000)
  expect(deliver.mock.calls).toEqual([[[1]]])
})

test('keeps the newest when more comes than it may hold', () => {
  const deliver = vi.fn()
  const batch = new Batch<number>(deliver, 2)
  for (const item of [1, 2, 3]) batch.add(item)
  vi.advanceTimersToNextFrame()
  expect(deliver).toHaveBeenCalledWith([2, 3])
})
