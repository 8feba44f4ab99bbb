import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'

import { Button } from '@/ui/button'

const THANKS_MS = 1_600

export function CommandLine({ command }: { command: string }) {
  return (
    <div className="flex h-9 max-w-sm items-center gap-2 rounded-lg border bg-canvas pr-1 pl-3">
      <code className="flex-1 font-mono text-xs">
        <span aria-hidden="true" className="mr-2 text-faint select-none">
          $
        </span>
        {command}
      </code>
      {/* A page that is not served securely has no clipboard. */}
      {'clipboard' in navigator && <CopyButton text={command} />}
    </div>
  )
}

function CopyButton({ text }: { text: string }) {
  const [copied, setCopied] = useState(false)
  const Icon = copied ? Check : Copy

  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), THANKS_MS)
    return () => clearTimeout(timer)
  }, [copied])

  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <Button
      look="plain"
      className="size-7 px-0"
      aria-label={copied ? 'Copied' : `Copy ${text}`}
      onClick={() => void copy()}
    >
      <Icon aria-hidden="true" className={copied ? 'text-good' : undefined} />
    </Button>
  )
}
