import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, test } from 'vitest'

import { buildAction, buildFrame, buildSession, failedAction } from '@/testing/factories'
import { serve } from '@/testing/fake-server'
import { renderLive } from '@/testing/render'

import { FeedPanel } from './FeedPanel'

const rows = () => screen.getAllByRole('listitem').map((row) => row.textContent)

const soon = () => new Date(Date.now() + 1_000).toISOString()

test('shows what was done, by whom, for how long and how it ended', async () => {
  const session = buildSession({ project_name: 'atlas' })
  serve({ sessions: [session], actions: [failedAction({ session_id: session.id })] })
  renderLive(<FeedPanel />)
  await screen.findByText('atlas')
  expect(rows()).toEqual([
    expect.stringMatching(/builtin toolBashsrc\/refunds\.pyatlas000020 ms.*failed/),
  ])
})

test('puts a pushed action on top without asking the server', async () => {
  const asked = serve({ actions: [buildAction()] })
  const { push } = renderLive(<FeedPanel />)
  await screen.findByText('Read')
  const before = asked.length
  push(buildFrame('action.created', buildAction({ tool_name: 'Grep', created_at: soon() })))
  expect(rows()[0]).toContain('Grep')
  expect(asked).toHaveLength(before)
})

test('draws only the rows in view of a long feed', async () => {
  serve({ actions: Array.from({ length: 200 }, () => buildAction()) })
  renderLive(<FeedPanel />)
  await screen.findAllByText('Read')
  expect(rows().length).toBeLessThan(60)
  expect(screen.getAllByRole('listitem')[0]).toHaveAttribute('aria-setsize', '200')
})

test('holds still while paused, counts what waits, and shows it afterwards', async () => {
  serve({ actions: [buildAction()] })
  const { push } = renderLive(<FeedPanel />)
  await screen.findByText('Read')
  await userEvent.click(screen.getByRole('button', { name: 'Pause' }))
  push(buildFrame('action.created', buildAction({ tool_name: 'Grep' })), buildFrame('brief.ready'))
  expect(rows()).toHaveLength(1)
  await userEvent.click(screen.getByRole('button', { name: 'Resume 2 waiting' }))
  expect(rows()).toHaveLength(3)
})

test('filters, and says so when nothing passes', async () => {
  serve({ actions: [buildAction()] })
  const { push } = renderLive(<FeedPanel />)
  await screen.findByText('Read')
  await userEvent.click(screen.getByRole('radio', { name: 'Failures' }))
  expect(screen.getByText('Nothing failed')).toBeVisible()
  push(buildFrame('action.created', failedAction()))
  expect(rows()).toEqual([expect.stringContaining('Bash')])
})

test('says what will come while nothing has', async () => {
  serve()
  renderLive(<FeedPanel />)
  expect(await screen.findByText('Quiet so far')).toBeVisible()
})

test('still shows what is pushed when the past cannot be read', async () => {
  serve({ broken: ['/api/actions'] })
  const { push } = renderLive(<FeedPanel />)
  expect(await screen.findByRole('alert')).toHaveTextContent('The activity could not be read')
  push(buildFrame('brand.new', { id: 'x', truncated: true }))
  expect(rows()).toEqual([expect.stringContaining('brand.new')])
})
