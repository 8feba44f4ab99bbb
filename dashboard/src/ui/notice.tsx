import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

import { cn } from './class-names'

interface NoticeProps {
  icon: LucideIcon
  title: string
  children?: ReactNode
  action?: ReactNode
  tone?: 'calm' | 'bad'
  className?: string
}

/** What a panel shows in place of its data: why there is none, and what to do. */
export function Notice({ icon: Icon, title, children, action, tone = 'calm', className }: NoticeProps) {
  return (
    <div
      role={tone === 'bad' ? 'alert' : undefined}
      className={cn(
        'flex flex-1 flex-col items-center justify-center gap-1.5 px-6 py-8 text-center',
        className,
      )}
    >
      <Icon
        aria-hidden="true"
        className={cn('mb-1 size-5', tone === 'bad' ? 'text-bad' : 'text-faint')}
      />
      <p className="font-medium">{title}</p>
      {children && <div className="max-w-xs text-xs text-balance text-soft">{children}</div>}
      {action && <div className="mt-2">{action}</div>}
    </div>
  )
}
