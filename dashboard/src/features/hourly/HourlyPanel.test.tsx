import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, test } from 'vitest'

import { serve } from '@/testing/fake-server'
import { renderLive } from '@/testing/render'

import { HourlyPanel } from './HourlyPanel'

test('says in words what the chart shows', async () => {
  serve({ hourly: [{ hour: new Date().toISOString(), count: 42 }] })
  renderLive(<HourlyPanel />)
  expect(await screen.findByRole('figure')).toHaveAccessibleName(/^42 actions in the last 24 hours/)
})

test('shows the same as a table, newest hour first', async () => {
  serve({ hourly: [{ hour: new Date().toISOString(), count: 42 }] })
  renderLive(<HourlyPanel />)
  await userEvent.click(screen.getByRole('radio', { name: 'Table' }))
  const [, newest, ...others] = within(await screen.findByRole('table')).getAllByRole('row')
  expect(newest).toHaveTextContent(/42$/)
  expect(others).toHaveLength(23)
})

test('offers to try again when the hours cannot be read', async () => {
  serve({ broken: ['/api/actions/hourly'] })
  renderLive(<HourlyPanel />)
  expect(await screen.findByRole('alert')).toHaveTextContent('Failed to read')
  serve({ hourly: [{ hour: new Date().toISOString(), count: 1 }] })
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
  expect(await screen.findByRole('figure')).toBeVisible()
})
