import { CircleAlert, RotateCw } from 'lucide-react'

import { Button } from './button'
import { Notice } from './notice'

interface FailureProps {
  /** What could not be shown. */
  title: string
  error: Error
  onRetry: () => void
  className?: string
}

export function Failure({ title, error, onRetry, className }: FailureProps) {
  return (
    <Notice
      icon={CircleAlert}
      tone="bad"
      title={title}
      className={className}
      action={
        <Button onClick={onRetry}>
          <RotateCw aria-hidden="true" /> Try again
        </Button>
      }
    >
      {error.message}
    </Notice>
  )
}
