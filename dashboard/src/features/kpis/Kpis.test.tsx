import { screen } from '@testing-library/react'
import { expect, test } from 'vitest'

import { untouchedKpis } from '@/testing/factories'
import { serve } from '@/testing/fake-server'
import { renderLive } from '@/testing/render'

import { Kpis } from './Kpis'

const tile = async (label: string) => (await screen.findByText(label)).parentElement

test('shows the four figures', async () => {
  serve()
  renderLive(<Kpis />)
  expect(await screen.findByText('of 1,204 ever seen')).toBeVisible()
  expect(await tile('Active sessions')).toHaveTextContent('8of 1,204')
  expect(await tile('Tool calls, 24 h')).toHaveTextContent('2,31096.3 / h, 14 tools')
  expect(await tile('Success rate, 24 h')).toHaveTextContent('97%78 failed')
  expect(await tile('Running subagents')).toHaveTextContent('684 done, 6 failed')
})

test('claims no success rate before the first call', async () => {
  serve({ kpis: untouchedKpis() })
  renderLive(<Kpis />)
  expect(await screen.findByText('no calls to judge by')).toBeVisible()
  expect(await tile('Success rate, 24 h')).toHaveTextContent('–')
})

test('says so when the figures cannot be read', async () => {
  serve({ broken: ['/api/dashboard/kpis'] })
  renderLive(<Kpis />)
  expect(await screen.findByRole('alert')).toHaveTextContent('The figures could not be read')
})
