import { RotateCw } from 'lucide-react'

import type { DeadLetter } from '@/api/dead'
import { Button } from '@/ui/button'
import { formatAge, formatMoment } from '@/ui/format'

import { DropButton } from './DropButton'

interface LetterRowProps {
  letter: DeadLetter
  now: number
  onAgain: () => void
  onDrop: () => void
}

export function LetterRow({ letter, now, onAgain, onDrop }: LetterRowProps) {
  const failed = Date.parse(letter.failed_at)
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-2.5">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex min-w-0 items-baseline gap-2">
          <span className="truncate font-medium" title={letter.name}>
            {letter.name}
          </span>
          <span className="shrink-0 text-2xs text-faint">{letter.kind}</span>
          <time
            dateTime={letter.failed_at}
            title={formatMoment(failed)}
            className="shrink-0 text-2xs text-faint tabular-nums"
          >
            {formatAge(now - failed)} ago, {tries(letter)}
          </time>
        </p>
        <p className="line-clamp-2 text-xs wrap-anywhere text-soft" title={letter.reason}>
          {letter.reason}
        </p>
      </div>
      {letter.sent_again_at ? (
        <p className="text-xs text-faint">sent again, not stored yet</p>
      ) : (
        <div className="flex items-center gap-2">
          <Button onClick={onAgain} aria-label={`Send ${letter.name} again`}>
            <RotateCw aria-hidden="true" /> Send again
          </Button>
          <DropButton label="Drop" name={`Drop ${letter.name}`} onDrop={onDrop} />
        </div>
      )}
    </li>
  )
}

function tries({ tries: count }: DeadLetter): string {
  return count === 1 ? 'failed once' : `failed ${count} times`
}
