import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { throttle } from './throttle'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('calls at once, and once more for all that came within the second', async () => {
  const call = vi.fn()
  const request = throttle(call, 1_000)
  for (let i = 0; i < 50; i += 1) request()
  expect(call).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(call).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(call).toHaveBeenCalledTimes(2)
})

test('waits for a call that takes longer than the second', async () => {
  const call = vi.fn(() => new Promise((resolve) => setTimeout(resolve, 3_000)))
  const request = throttle(call, 1_000)
  request()
  request()
  await vi.advanceTimersByTimeAsync(2_999)
  expect(call).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(call).toHaveBeenCalledTimes(2)
})

test('goes on after a call that failed', async () => {
  const call = vi.fn(() => Promise.reject(new Error('down')))
  const request = throttle(call, 1_000)
  request()
  await vi.advanceTimersByTimeAsync(1_000)
  request()
  expect(call).toHaveBeenCalledTimes(2)
})

test('is silent once cancelled', async () => {
  const call = vi.fn()
  const request = throttle(call, 1_000)
  request()
  request()
  request.cancel()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(call).toHaveBeenCalledTimes(1)
})
