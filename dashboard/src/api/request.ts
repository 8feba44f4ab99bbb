import { config, type ZodType } from 'zod'

// A strict content policy forbids the code generation zod would otherwise try.
config({ jitless: true })

/** The server answered with an error of its own. */
export class AnswerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'AnswerError'
  }
}

/** The answer is not what this dashboard understands. */
export class UnreadableAnswerError extends Error {
  constructor(path: string, cause: unknown) {
    super(`The answer of ${path} could not be read`, { cause })
    this.name = 'UnreadableAnswerError'
  }
}

/** No answer at all: the server is down or the network is gone. */
export class UnreachableError extends Error {
  constructor(cause: unknown) {
    super('The server did not answer', { cause })
    this.name = 'UnreachableError'
  }
}

interface RequestOptions {
  signal?: AbortSignal
  method?: 'GET' | 'POST' | 'DELETE'
  /** Error statuses whose body is still the answer. */
  accept?: number[]
  body?: object
}

export async function getJson<T>(
  path: string,
  schema: ZodType<T>,
  { signal, method = 'GET', accept = [], body: sent }: RequestOptions = {},
): Promise<T> {
  const response = await send(path, { method, signal, body: sent })
  const body = await readBody(path, response)
  if (!response.ok && !accept.includes(response.status)) {
    throw new AnswerError(response.status, errorText(body) ?? `HTTP ${response.status}`)
  }
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new UnreadableAnswerError(path, parsed.error)
  return parsed.data
}

async function send(path: string, { method, signal, body }: RequestOptions): Promise<Response> {
  const content = body && JSON.stringify(body)
  const headers = { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) }
  try {
    return await fetch(path, { method, signal, headers, body: content })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new UnreachableError(error)
  }
}

async function readBody(path: string, response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (error) {
    if (!response.ok) return null
    throw new UnreadableAnswerError(path, error)
  }
}

function errorText(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined
  return typeof body.error === 'string' ? body.error : undefined
}
