import { ToggleGroup } from 'radix-ui'
import type { ReactNode } from 'react'

export interface Option<T extends string> {
  value: T
  label: ReactNode
  /** The spoken name, where the label is only an icon. */
  name?: string
}

interface ChoiceProps<T extends string> {
  label: string
  options: readonly Option<T>[]
  value: T
  onChange: (value: T) => void
}

/** One of a few: a row of buttons of which exactly one is down. */
export function Choice<T extends string>({ label, options, value, onChange }: ChoiceProps<T>) {
  const pick = (next: string): void => {
    const option = options.find((known) => known.value === next)
    if (option) onChange(option.value)
  }
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={pick}
      className="flex rounded-lg bg-raised p-0.5"
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          aria-label={option.name}
          className="flex h-6 items-center rounded-md px-2 text-xs text-soft transition-colors hover:text-text data-[state=on]:bg-panel data-[state=on]:font-medium data-[state=on]:text-text data-[state=on]:shadow-sm [&_svg]:size-3.5"
        >
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}
