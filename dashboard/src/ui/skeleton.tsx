import { cn } from './class-names'

/** A grey stand-in for text that is still on its way. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span
      aria-hidden="true"
      className={cn('block animate-pulse rounded-sm bg-raised', className)}
    />
  )
}
