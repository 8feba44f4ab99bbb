import { Trash2 } from 'lucide-react'
import { useState } from 'react'

import { Button } from '@/ui/button'

interface DropButtonProps {
  label: string
  /** The spoken name, where the label alone does not say what is dropped. */
  name?: string
  onDrop: () => void
}

/** Asks once more in its own place: what is dropped is gone for good. */
export function DropButton({ label, name, onDrop }: DropButtonProps) {
  const [asking, setAsking] = useState(false)
  if (!asking) {
    return (
      <Button onClick={() => setAsking(true)} aria-label={name}>
        <Trash2 aria-hidden="true" /> {label}
      </Button>
    )
  }
  const answer = (drop: boolean) => () => {
    setAsking(false)
    if (drop) onDrop()
  }
  return (
    <span role="group" aria-label={`${name ?? label}: for good?`} className="flex items-center gap-1">
      <Button onClick={answer(true)} className="text-bad">
        {label} for good
      </Button>
      <Button look="plain" onClick={answer(false)}>
        Keep
      </Button>
    </span>
  )
}
