import { vi } from 'vitest'

import type { Action, HourlyCount } from '@/api/actions'
import type { DeadLetter } from '@/api/dead'
import type { Kpis } from '@/api/kpis'
import type { Session } from '@/api/sessions'
import type { System } from '@/api/system'

import { buildKpis, buildSystem } from './factories'

interface Holdings {
  sessions?: Session[]
  actions?: Action[]
  hourly?: HourlyCount[]
  kpis?: Kpis
  system?: System
  letters?: DeadLetter[]
  /** Paths that answer 500. */
  broken?: string[]
}

/** Answers fetch from what a test gives it; returns the paths that were asked for, with the method of what changes. */
export function serve({
  sessions = [],
  actions = [],
  hourly = [],
  kpis = buildKpis(),
  system = buildSystem(),
  letters = [],
  broken = [],
}: Holdings = {}): string[] {
  const asked: string[] = []
  const answers: Record<string, object> = {
    '/config.json': { version: '0.1.0', ws_port: 3849 },
    '/health': { status: 'healthy' },
    '/api/sessions': { sessions, total: sessions.length, limit: 100, offset: 0 },
    '/api/actions': { actions, count: actions.length, limit: 200, offset: 0 },
    '/api/actions/hourly': { data: hourly, period: '24h' },
    '/api/dashboard/kpis': kpis,
    '/api/system': system,
    '/api/dead': { letters, counts: counted(letters) },
  }
  vi.stubGlobal('fetch', async (url: string, { method = 'GET' }: RequestInit = {}) => {
    const path = url.split('?')[0] ?? url
    asked.push(method === 'GET' ? path : `${method} ${path}`)
    if (broken.includes(path)) return Response.json({ error: 'Failed to read' }, { status: 500 })
    if (method !== 'GET') return Response.json({ sent: 1, dropped: 1 })
    return Response.json(answers[path])
  })
  return asked
}

function counted(letters: DeadLetter[]): { events: number; messages: number } {
  const events = letters.filter(({ kind }) => kind === 'event').length
  return { events, messages: letters.length - events }
}
