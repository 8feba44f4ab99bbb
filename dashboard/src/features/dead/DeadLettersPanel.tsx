import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, RotateCw } from 'lucide-react'

import { deadLettersQuery, drop, sendAgain, type DeadLetterPage } from '@/api/dead'
import { systemQuery } from '@/api/system'
import { Button } from '@/ui/button'
import { useNow } from '@/ui/clock'
import { Failure } from '@/ui/failure'
import { formatCount } from '@/ui/format'
import { Notice } from '@/ui/notice'
import { Panel } from '@/ui/panel'
import { Skeleton } from '@/ui/skeleton'

import { DropButton } from './DropButton'
import { LetterRow } from './LetterRow'

type Act = (id?: string) => void

export function DeadLettersPanel({ className }: { className?: string }) {
  const { data, error, refetch } = useQuery(deadLettersQuery)
  const again = useAct(sendAgain)
  const dropping = useAct(drop)
  const failed = again.error ?? dropping.error

  return (
    <Panel
      title="Dead letters"
      note={data && counts(data)}
      className={className}
      actions={
        data &&
        data.letters.length > 0 && (
          <>
            <Button onClick={() => again.mutate(undefined)} disabled={again.isPending}>
              <RotateCw aria-hidden="true" /> Send all again
            </Button>
            <DropButton label="Drop all" onDrop={() => dropping.mutate(undefined)} />
          </>
        )
      }
    >
      {failed && (
        <p role="alert" className="border-b border-line-soft px-4 py-2 text-xs text-bad">
          {failed.message}
        </p>
      )}
      {error && !data ? (
        <Failure title="The dead letters could not be read" error={error} onRetry={refetch} />
      ) : (
        <Body page={data} onAgain={again.mutate} onDrop={dropping.mutate} />
      )}
    </Panel>
  )
}

function useAct(act: (id?: string) => Promise<unknown>) {
  const client = useQueryClient()
  return useMutation<unknown, Error, string | undefined>({
    mutationFn: (id) => act(id),
    networkMode: 'always',
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: deadLettersQuery.queryKey }),
        client.invalidateQueries({ queryKey: systemQuery.queryKey }),
      ]),
  })
}

interface BodyProps {
  page?: DeadLetterPage
  onAgain: Act
  onDrop: Act
}

function Body({ page, onAgain, onDrop }: BodyProps) {
  const now = useNow()
  if (!page) return <Loading />
  if (page.letters.length === 0) {
    return (
      <Notice icon={CircleCheck} title="Nothing failed for good">
        Events the database refuses, and work that fails at every try, show up here.
      </Notice>
    )
  }
  return (
    <ul
      aria-label="Dead letters"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling list must be reachable by keyboard
      tabIndex={0}
      className="relative min-h-0 flex-1 divide-y divide-line-soft overflow-y-auto -outline-offset-2"
    >
      {page.letters.map((letter) => (
        <LetterRow
          key={letter.id}
          letter={letter}
          now={now}
          onAgain={() => onAgain(letter.id)}
          onDrop={() => onDrop(letter.id)}
        />
      ))}
    </ul>
  )
}

function Loading() {
  return (
    <div role="status" aria-label="Loading dead letters" className="space-y-2.5 px-4 py-3.5">
      <Skeleton className="h-3 w-40" />
      <Skeleton className="h-2.5 w-4/5" />
    </div>
  )
}

function counts({ counts: { events, messages } }: DeadLetterPage): string {
  return `${formatCount(events, 'event')}, ${formatCount(messages, 'message')}`
}
