import { DeadLettersPanel } from '@/features/dead/DeadLettersPanel'
import { SystemFigures } from '@/features/system/SystemFigures'

export function SystemPage() {
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-3 p-3 sm:gap-4 sm:p-4 xl:min-h-0">
      <SystemFigures />
      <DeadLettersPanel className="min-h-52 flex-1 xl:min-h-0" />
    </div>
  )
}
