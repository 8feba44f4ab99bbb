import { expect, test, vi } from 'vitest'
import * as z from 'zod'

import { AnswerError, getJson, UnreachableError, UnreadableAnswerError } from './request'

const schema = z.object({ count: z.number() })

function answer(body: string, status = 200): void {
  vi.stubGlobal('fetch', async () => new Response(body, { status }))
}

test('returns what the schema knows', async () => {
  answer('{"count":3,"more":true}')
  await expect(getJson('/api/x', schema)).resolves.toEqual({ count: 3 })
})

test('carries the text of a server error', async () => {
  answer('{"error":"Failed to read"}', 500)
  await expect(getJson('/api/x', schema)).rejects.toEqual(new AnswerError(500, 'Failed to read'))
})

test('takes an accepted error status as an answer', async () => {
  answer('{"count":0}', 503)
  await expect(getJson('/health', schema, { accept: [503] })).resolves.toEqual({ count: 0 })
})

test.each(['<!doctype html>', '{"count":"3"}', 'null'])('refuses %s', async (body) => {
  answer(body)
  await expect(getJson('/api/x', schema)).rejects.toBeInstanceOf(UnreadableAnswerError)
})

test('says so when nobody answers', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  await expect(getJson('/api/x', schema)).rejects.toBeInstanceOf(UnreachableError)
})
