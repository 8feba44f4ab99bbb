import type { Entry } from './entry'

export const FILTERS = [
  { value: 'all', label: 'All' },
  { value: 'tools', label: 'Tools' },
  { value: 'failures', label: 'Failures' },
  { value: 'agents', label: 'Agents' },
] as const

export type Filter = (typeof FILTERS)[number]['value']

const PASSES: Record<Filter, (entry: Entry) => boolean> = {
  all: () => true,
  tools: ({ kind }) => kind === 'tool',
  failures: ({ ok }) => ok === false,
  agents: ({ kind, tool }) => kind === 'agent' || tool === 'agent',
}

export function filterEntries(entries: Entry[], filter: Filter): Entry[] {
  return filter === 'all' ? entries : entries.filter(PASSES[filter])
}
