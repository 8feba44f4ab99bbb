import { vi } from 'vitest'

import type { Action, HourlyCount } from '@/api/actions'
import type { Kpis } from '@/api/kpis'
import type { Session } from '@/api/sessions'

import { buildKpis } from './factories'

interface Holdings {
  sessions?: Session[]
  actions?: Action[]
  hourly?: HourlyCount[]
  kpis?: Kpis
  /** Paths that answer 500. */
  broken?: string[]
}

/** Answers fetch from what a test gives it; returns the paths that were asked for. */
export function serve({
  sessions = [],
  actions = [],
  hourly = [],
  kpis = buildKpis(),
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
  }
  vi.stubGlobal('fetch', async (url: string) => {
    const path = url.split('?')[0] ?? url
    asked.push(path)
    if (broken.includes(path)) return Response.json({ error: 'Failed to read' }, { status: 500 })
    return Response.json(answers[path])
  })
  return asked
}
