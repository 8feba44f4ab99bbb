import { screen } from '@testing-library/react'
import { expect, test } from 'vitest'

import { buildSystem } from '@/testing/factories'
import { serve } from '@/testing/fake-server'
import { renderLive } from '@/testing/render'

import { SystemFigures } from './SystemFigures'

const tile = async (label: string) => (await screen.findByText(label)).parentElement

test('shows what waits, for how long, what failed and how much room there is', async () => {
  serve()
  renderLive(<SystemFigures />)
  expect(await screen.findByText('of 500.0 GB')).toBeVisible()
  expect(await tile('Waiting events')).toHaveTextContent('12accepted')
  expect(await tile('Lag')).toHaveTextContent('1.4 s')
  expect(await tile('Failed for good')).toHaveTextContent('32 events, 1 message')
  expect(await tile('Database')).toHaveTextContent('52.0 MBon disk')
  expect(await tile('Free space')).toHaveTextContent('120.0 GB')
  expect(await tile('Valkey')).toHaveTextContent('1.2 MBof memory')
})

test('asks again every few seconds, and shows what changed', async () => {
  serve()
  renderLive(<SystemFigures />)
  await screen.findByText('of 500.0 GB')
  serve({ system: buildSystem({ queue: { depth: 777, lag_seconds: 0 } }) })
  expect(await screen.findByText('777', {}, { timeout: 5_000 })).toBeVisible()
}, 10_000)

test('says which store is away, and shows the rest', async () => {
  const failures = { rejected: 4, dead: null }
  serve({ system: buildSystem({ queue: null, failures, away: { valkey: 'connection refused' } }) })
  renderLive(<SystemFigures />)
  expect(await screen.findAllByText('does not answer: connection refused')).toHaveLength(2)
  expect(await tile('Waiting events')).toHaveTextContent('–does not answer')
  expect(await tile('Lag')).toHaveTextContent('–does not answer')
  expect(await tile('Failed for good')).toHaveTextContent('44 events, messages unknown')
  expect(await tile('Database')).toHaveTextContent('52.0 MB')
})

test('counts no failures where nobody knows of any', async () => {
  serve({ system: buildSystem({ failures: { rejected: null, dead: null } }) })
  renderLive(<SystemFigures />)
  expect(await screen.findByText('events unknown, messages unknown')).toBeVisible()
  expect(await tile('Failed for good')).toHaveTextContent('–events unknown')
})

test('says so when the figures cannot be read', async () => {
  serve({ broken: ['/api/system'] })
  renderLive(<SystemFigures />)
  expect(await screen.findByRole('alert')).toHaveTextContent('could not be read')
})
