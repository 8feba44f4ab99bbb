import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, test } from 'vitest'

import { buildLetter } from '@/testing/factories'
import { serve } from '@/testing/fake-server'
import { renderLive } from '@/testing/render'

import { DeadLettersPanel } from './DeadLettersPanel'

const press = (name: string) => userEvent.click(screen.getByRole('button', { name }))

test('lists what failed, with its kind, its tries and why', async () => {
  serve({
    letters: [
      buildLetter({ name: 'PostToolUse', reason: 'DataError: too large', tries: 2 }),
      buildLetter({ kind: 'message', name: 'make_brief', reason: 'ValueError: no session' }),
    ],
  })
  renderLive(<DeadLettersPanel />)
  const [event, message] = within(await screen.findByRole('list')).getAllByRole('listitem')
  expect(event).toHaveTextContent(/PostToolUse.*event.*failed 2 times.*DataError: too large/)
  expect(message).toHaveTextContent(/make_brief.*message.*failed once.*ValueError: no session/)
  expect(screen.getByText('1 event, 1 message')).toBeVisible()
})

test('sends one again and fetches what became of it', async () => {
  const letter = buildLetter({ name: 'Stop' })
  const asked = serve({ letters: [letter] })
  renderLive(<DeadLettersPanel />)
  await screen.findByText('Stop')
  await press('Send Stop again')
  await waitFor(() => expect(asked).toContain(`POST /api/dead/${letter.id}/retry`))
  await waitFor(() => expect(asked.filter((path) => path === '/api/dead')).toHaveLength(2))
})

test('drops one only when that is said twice', async () => {
  const letter = buildLetter({ name: 'Stop' })
  const asked = serve({ letters: [letter] })
  renderLive(<DeadLettersPanel />)
  await screen.findByText('Stop')
  await press('Drop Stop')
  await press('Keep')
  expect(asked).toEqual(['/api/dead'])
  await press('Drop Stop')
  await press('Drop for good')
  await waitFor(() => expect(asked).toContain(`DELETE /api/dead/${letter.id}`))
})

test('sends all again, and drops all', async () => {
  const asked = serve({ letters: [buildLetter(), buildLetter()] })
  renderLive(<DeadLettersPanel />)
  await screen.findByRole('list')
  await press('Send all again')
  await waitFor(() => expect(asked).toContain('POST /api/dead/retry'))
  await press('Drop all')
  await press('Drop all for good')
  await waitFor(() => expect(asked).toContain('DELETE /api/dead'))
})

test('what is on its way again has no buttons', async () => {
  serve({ letters: [buildLetter({ name: 'Stop', sent_again_at: '2025-06-02T12:00:00.000Z' })] })
  renderLive(<DeadLettersPanel />)
  expect(await screen.findByText('sent again, not stored yet')).toBeVisible()
  expect(screen.queryByRole('button', { name: 'Send Stop again' })).not.toBeInTheDocument()
})

test('says so when one cannot be sent again', async () => {
  const letter = buildLetter({ name: 'Stop' })
  serve({ letters: [letter], broken: [`/api/dead/${letter.id}/retry`] })
  renderLive(<DeadLettersPanel />)
  await screen.findByText('Stop')
  await press('Send Stop again')
  expect(await screen.findByRole('alert')).toHaveTextContent('Failed to read')
})

test('says that nothing failed, and when the list cannot be read', async () => {
  serve()
  renderLive(<DeadLettersPanel />)
  expect(await screen.findByText('Nothing failed for good')).toBeVisible()
  serve({ broken: ['/api/dead'] })
  renderLive(<DeadLettersPanel />)
  expect(await screen.findByRole('alert')).toHaveTextContent('could not be read')
})
