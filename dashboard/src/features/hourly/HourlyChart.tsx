import {
  Area,
  AreaChart,
  CartesianGrid,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
  type TooltipContentProps,
} from 'recharts'

import { formatCompact, formatHour, formatNumber } from '@/ui/format'

import type { Hour } from './hours'

const TICK = { fill: 'var(--text-faint)', fontSize: 11 }

export default function HourlyChart({ hours }: { hours: Hour[] }) {
  return (
    <ResponsiveContainer width="100%" height="100%">
      <AreaChart data={hours} margin={{ top: 4, right: 8, bottom: 0, left: 0 }}>
        <defs>
          <linearGradient id="hourly-fill" x1="0" y1="0" x2="0" y2="1">
            <stop offset="0%" stopColor="var(--accent)" stopOpacity={0.38} />
            <stop offset="100%" stopColor="var(--accent)" stopOpacity={0.02} />
          </linearGradient>
        </defs>
        <CartesianGrid vertical={false} stroke="var(--line-soft)" />
        <XAxis
          dataKey="at"
          interval="equidistantPreserveStart"
          minTickGap={32}
          tick={TICK}
          tickFormatter={formatHour}
          tickLine={false}
          axisLine={{ stroke: 'var(--line)' }}
        />
        <YAxis
          width={44}
          tick={TICK}
          tickCount={4}
          tickFormatter={formatCompact}
          allowDecimals={false}
          tickLine={false}
          axisLine={false}
        />
        <Tooltip content={HourTip} cursor={{ stroke: 'var(--text-faint)', strokeDasharray: '3 3' }} />
        <Area
          dataKey="count"
          type="monotone"
          stroke="var(--accent)"
          strokeWidth={1.75}
          fill="url(#hourly-fill)"
          isAnimationActive={false}
          activeDot={{ r: 3.5, stroke: 'var(--panel)', strokeWidth: 2 }}
        />
      </AreaChart>
    </ResponsiveContainer>
  )
}

function HourTip({ active, payload }: TooltipContentProps) {
  const hour = payload[0]?.payload as Hour | undefined
  if (!active || !hour) return null
  return (
    <div className="rounded-md border bg-raised px-2.5 py-1.5 text-xs shadow-lg">
      <p className="text-faint">{formatHour(hour.at)}</p>
      <p className="font-medium tabular-nums">
        {formatNumber(hour.count)} {hour.count === 1 ? 'action' : 'actions'}
      </p>
    </div>
  )
}
