import { formatHour, formatNumber } from '@/ui/format'

import type { Hour } from './hours'

export function HourlyTable({ hours }: { hours: Hour[] }) {
  return (
    <div
      role="group"
      aria-label="Actions per hour"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolling region must be reachable by keyboard
      tabIndex={0}
      className="relative min-h-0 flex-1 overflow-y-auto -outline-offset-2"
    >
      <table className="w-full text-xs tabular-nums">
        <thead className="sticky top-0 bg-panel text-left text-faint">
          <tr>
            <th scope="col" className="px-4 py-1.5 font-normal">
              Hour
            </th>
            <th scope="col" className="px-4 py-1.5 text-right font-normal">
              Actions
            </th>
          </tr>
        </thead>
        <tbody>
          {hours.toReversed().map((hour) => (
            <tr key={hour.at} className="border-t border-line-soft">
              <td className="px-4 py-1 text-soft">{formatHour(hour.at)}</td>
              <td className="px-4 py-1 text-right">{formatNumber(hour.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
