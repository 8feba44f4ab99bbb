import { screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'

import type { Session } from '@/api/sessions'
import { buildFrame, buildSession } from '@/testing/factories'
import { serve } from '@/testing/fake-server'
import { renderLive } from '@/testing/render'

import { SessionsPanel } from './SessionsPanel'

const ago = (ms: number, fields: Partial<Session> = {}) =>
  buildSession({ last_seen_at: new Date(Date.now() - ms).toISOString(), ...fields })

test('shows what each session is at, newest activity first', async () => {
  serve({
    sessions: [
      ago(9 * 60_000, { project_name: 'ledger', last_prompt: null }),
      ago(12_400, { project_name: 'atlas', total_errors: 2, context_bytes: 84_213 }),
    ],
  })
  renderLive(<SessionsPanel />)
  const [first, second] = within(await screen.findByRole('list')).getAllByRole('listitem')
  expect(first).toHaveTextContent(/atlas.*active 1\d s ago/)
  expect(first).toHaveTextContent(/idempotent.*12 tools used2 errors.*84 KB of context/)
  expect(second).toHaveTextContent(/ledger.*quiet for 9 min.*no prompt yet/)
  expect(screen.getByText('1 working, 1 quiet')).toBeVisible()
})

test('says what to do while nobody works', async () => {
  serve()
  renderLive(<SessionsPanel />)
  expect(await screen.findByText('No session is active')).toBeVisible()
})

test('says so when the sessions cannot be read', async () => {
  serve({ broken: ['/api/sessions'] })
  renderLive(<SessionsPanel />)
  expect(await screen.findByRole('alert')).toHaveTextContent('Failed to read')
})

test('a burst of pushed events costs one fetch', async () => {
  const asked = serve()
  const { push } = renderLive(<SessionsPanel />)
  await screen.findByText('No session is active')
  serve({ sessions: [ago(0)] })
  for (let i = 0; i < 100; i += 1) push(buildFrame('action.created'))
  expect(await screen.findByText('atlas')).toBeVisible()
  expect(asked).toHaveLength(1)
})

test('events that do not touch sessions cost nothing', async () => {
  const asked = serve()
  const { push } = renderLive(<SessionsPanel />)
  await screen.findByText('No session is active')
  push(buildFrame('message.new'))
  await waitFor(() => expect(asked).toEqual(['/api/sessions']))
})
