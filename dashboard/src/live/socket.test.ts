import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { buildFrame } from '@/testing/factories'
import { FakeSocket } from '@/testing/fake-socket'

import { LiveSocket } from './socket'

const listener = { onStatus: vi.fn(), onEvent: vi.fn(), onReturn: vi.fn() }
let live: LiveSocket

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(1)
  for (const heard of Object.values(listener)) heard.mockReset()
  FakeSocket.install()
  live = new LiveSocket('ws://localhost:3849/', listener)
  live.open()
})

afterEach(() => {
  live.close()
  vi.useRealTimers()
})

test('is live once the server has greeted it', () => {
  FakeSocket.last.welcome()
  expect(listener.onStatus.mock.calls).toEqual([['live']])
  expect(listener.onReturn).not.toHaveBeenCalled()
})

test('tells an event once, however often its frame comes', () => {
  const frame = buildFrame('action.created')
  FakeSocket.last.welcome()
  FakeSocket.last.receive(frame)
  FakeSocket.last.receive(frame)
  expect(listener.onEvent.mock.calls).toEqual([[frame]])
})

test('acknowledges what must not be lost, duplicates included', () => {
  const frame = buildFrame('subtask.running')
  FakeSocket.last.welcome()
  FakeSocket.last.receive(frame)
  FakeSocket.last.receive(frame)
  FakeSocket.last.receive(buildFrame('action.created'))
  const ack = { type: 'ack', message_id: frame.id }
  expect(FakeSocket.last.sent).toEqual([ack, ack])
})

test('sends a ping every 25 s and answers one with a pong', () => {
  FakeSocket.last.welcome()
  FakeSocket.last.receive({ type: 'ping', timestamp: 1 })
  vi.advanceTimersByTime(25_000)
  expect(FakeSocket.last.sent.map(({ type }) => type)).toEqual(['pong', 'ping'])
})

test('survives frames that make no sense', () => {
  FakeSocket.last.welcome()
  FakeSocket.last.onmessage?.({ data: '{not json' })
  FakeSocket.last.onmessage?.({ data: new ArrayBuffer(2) })
  FakeSocket.last.receive({ error: 'no', code: 'PARSE_ERROR' })
  FakeSocket.last.receive([])
  expect(listener.onEvent).not.toHaveBeenCalled()
})

test('comes back after a second, then waits longer and longer, for ever', () => {
  FakeSocket.last.welcome()
  const waits = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
  for (const wait of waits) {
    const before = FakeSocket.all.length
    FakeSocket.last.breakDown()
    vi.advanceTimersByTime(wait - 1)
    expect(FakeSocket.all).toHaveLength(before)
    vi.advanceTimersByTime(1)
    expect(FakeSocket.all).toHaveLength(before + 1)
  }
})

test('says reconnecting at first and offline after several failures', () => {
  FakeSocket.last.welcome()
  for (let failure = 0; failure < 5; failure += 1) {
    FakeSocket.last.breakDown()
    vi.advanceTimersByTime(30_000)
  }
  const told = listener.onStatus.mock.calls.map(([status]) => status)
  expect(told.slice(0, 5)).toEqual(['live', ...Array(4).fill('reconnecting')])
  expect(told.at(-1)).toBe('offline')
})

test('asks for what it missed when it is back', () => {
  FakeSocket.last.welcome()
  FakeSocket.last.breakDown()
  vi.advanceTimersByTime(1_000)
  FakeSocket.last.welcome()
  expect(listener.onReturn).toHaveBeenCalledTimes(1)
})

test.each([
  ['the network is back', () => window.dispatchEvent(new Event('online'))],
  ['the tab is looked at', () => document.dispatchEvent(new Event('visibilitychange'))],
])('tries at once when %s', (_, happen) => {
  FakeSocket.last.welcome()
  for (let failure = 0; failure < 5; failure += 1) {
    FakeSocket.last.breakDown()
    vi.advanceTimersByTime(failure < 4 ? 30_000 : 0)
  }
  const before = FakeSocket.all.length
  happen()
  expect(FakeSocket.all).toHaveLength(before + 1)
})

test('leaves a good connection alone when the tab is looked at', () => {
  FakeSocket.last.welcome()
  document.dispatchEvent(new Event('visibilitychange'))
  expect(FakeSocket.all).toHaveLength(1)
})

test('replaces a connection on which nothing was heard for a minute', () => {
  FakeSocket.last.welcome()
  vi.advanceTimersByTime(75_000)
  expect(FakeSocket.all).toHaveLength(2)
})

test('gives up on a connection that is never greeted', () => {
  vi.advanceTimersByTime(11_000)
  expect(FakeSocket.all).toHaveLength(2)
})

test('stays away once closed', () => {
  FakeSocket.last.welcome()
  live.close()
  window.dispatchEvent(new Event('online'))
  vi.advanceTimersByTime(120_000)
  expect(FakeSocket.all).toHaveLength(1)
})

test('shows the bridge a fresh token at each connection where it is asked for one', async () => {
  live.close()
  FakeSocket.install()
  const fetchToken = vi.fn().mockResolvedValueOnce('a.b').mockResolvedValueOnce('c.d')
  live = new LiveSocket('ws://dcm.example:3849/', listener, fetchToken)
  live.open()
  await vi.advanceTimersByTimeAsync(0)
  FakeSocket.last.breakDown()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(FakeSocket.all.map(({ url }) => url)).toEqual([
    'ws://dcm.example:3849/?token=a.b',
    'ws://dcm.example:3849/?token=c.d',
  ])
})

test('asks again later when it got no token, and opens nothing once it is closed', async () => {
  live.close()
  FakeSocket.install()
  const fetchToken = vi.fn().mockRejectedValueOnce(new Error('no')).mockResolvedValue('a.b')
  live = new LiveSocket('ws://dcm.example:3849/', listener, fetchToken)
  live.open()
  await vi.advanceTimersByTimeAsync(0)
  expect(FakeSocket.all).toHaveLength(0)
  expect(listener.onStatus).toHaveBeenLastCalledWith('reconnecting')
  vi.advanceTimersByTime(1_000)
  live.close()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(FakeSocket.all).toHaveLength(0)
})
