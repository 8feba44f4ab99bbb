import { act, render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { buildAction, buildFrame, buildSession, untouchedKpis } from '@/testing/factories'
import { serve } from '@/testing/fake-server'
import { FakeSocket } from '@/testing/fake-socket'

import { App } from './App'

beforeEach(() => FakeSocket.install())

afterEach(() => {
  history.pushState(null, '', '/')
  localStorage.clear()
  delete document.documentElement.dataset.theme
})

async function openApp(): Promise<void> {
  render(<App />)
  await waitFor(() => expect(FakeSocket.all).toHaveLength(1))
  act(() => FakeSocket.last.welcome())
}

test('opens one connection to the port the server names, and shows that it is live', async () => {
  serve()
  await openApp()
  expect(FakeSocket.last.url).toBe('ws://localhost:3849/')
  expect(screen.getByText('Live')).toBeVisible()
})

test('a pushed event reaches the feed through the connection', async () => {
  serve()
  await openApp()
  act(() => FakeSocket.last.receive(buildFrame('action.created', buildAction())))
  expect(await screen.findByText('src/refunds.py')).toBeVisible()
})

test('shows a lost connection with the age of the data, and asks again for everything after it', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const asked = serve()
  await openApp()
  await screen.findByText('Quiet so far')
  act(() => FakeSocket.last.breakDown())
  expect(screen.getByText('Reconnecting')).toBeVisible()
  expect(screen.getByText(/s old$/)).toBeVisible()
  const before = asked.length
  await waitFor(() => expect(FakeSocket.all).toHaveLength(2), { timeout: 3_000 })
  act(() => FakeSocket.last.welcome())
  await waitFor(() => expect(asked.slice(before)).toContain('/api/actions'))
  expect(screen.getByText('Live')).toBeVisible()
})

test('tells a new user what to do first', async () => {
  serve({ kpis: untouchedKpis() })
  await openApp()
  expect(await screen.findByText('dcm hooks')).toBeVisible()
  expect(screen.queryByText('Live sessions')).not.toBeInTheDocument()
})

test('shows the system at a page of its own', async () => {
  history.pushState(null, '', '/system')
  serve()
  await openApp()
  expect(await screen.findByText('Waiting events')).toBeVisible()
  expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('System')
  expect(screen.getByRole('link', { name: 'System', current: 'page' })).toBeVisible()
  const { violations } = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false } },
  })
  expect(violations).toEqual([])
})

test('remembers the chosen theme', async () => {
  serve()
  await openApp()
  await userEvent.click(screen.getByRole('button', { name: 'Use the light theme' }))
  expect(document.documentElement.dataset.theme).toBe('light')
  expect(localStorage.getItem('theme')).toBe('light')
})

test.each([
  ['data', { sessions: [buildSession()], actions: [buildAction()] }],
  ['nothing yet', { kpis: untouchedKpis() }],
  ['a broken server', { broken: ['/api/sessions', '/api/actions', '/api/actions/hourly'] }],
])('has no accessibility violation with %s', async (_, holdings) => {
  serve(holdings)
  await openApp()
  await waitFor(() => expect(screen.queryByLabelText(/^Loading/)).not.toBeInTheDocument(), {
    timeout: 3_000,
  })
  const { violations } = await axe.run(document.body, {
    rules: { 'color-contrast': { enabled: false } },
  })
  expect(violations).toEqual([])
})
