import {
  Bot,
  CircleDot,
  FileText,
  Mail,
  MessageSquareText,
  Minimize2,
  Plug,
  Power,
  Sparkles,
  SquareTerminal,
  Wrench,
  type LucideIcon,
} from 'lucide-react'

import type { ToolType } from '@/api/actions'

import type { Entry, EntryKind } from './entry'

export interface Look {
  icon: LucideIcon
  /** What the icon says, for those who do not see it. */
  name: string
  tone: string
}

const TOOLS: Record<ToolType, Look> = {
  builtin: { icon: Wrench, name: 'builtin tool', tone: 'text-tool-builtin' },
  agent: { icon: Bot, name: 'agent', tone: 'text-tool-agent' },
  skill: { icon: Sparkles, name: 'skill', tone: 'text-tool-skill' },
  command: { icon: SquareTerminal, name: 'command', tone: 'text-tool-command' },
  mcp: { icon: Plug, name: 'MCP tool', tone: 'text-tool-mcp' },
}

const KINDS: Record<Exclude<EntryKind, 'tool'>, Look> = {
  agent: { icon: Bot, name: 'agent', tone: 'text-tool-agent' },
  session: { icon: Power, name: 'session', tone: 'text-accent' },
  prompt: { icon: MessageSquareText, name: 'prompt', tone: 'text-accent' },
  compaction: { icon: Minimize2, name: 'compaction', tone: 'text-warn' },
  message: { icon: Mail, name: 'message', tone: 'text-accent' },
  brief: { icon: FileText, name: 'brief', tone: 'text-accent' },
  other: { icon: CircleDot, name: 'event', tone: 'text-faint' },
}

export function lookOf({ kind, tool }: Entry): Look {
  return kind === 'tool' ? TOOLS[tool ?? 'builtin'] : KINDS[kind]
}
