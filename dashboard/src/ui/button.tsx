import { cva, type VariantProps } from 'class-variance-authority'
import type { ComponentProps } from 'react'

import { cn } from './class-names'

const variants = cva(
  'inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors disabled:opacity-50 [&_svg]:size-3.5 [&_svg]:shrink-0',
  {
    variants: {
      look: {
        outline: 'border border-line bg-panel text-soft hover:bg-raised hover:text-text',
        plain: 'text-soft hover:bg-raised hover:text-text',
        accent: 'bg-accent text-panel hover:opacity-90',
      },
      size: { small: 'h-7 px-2 text-xs', icon: 'size-8 [&_svg]:size-4' },
    },
    defaultVariants: { look: 'outline', size: 'small' },
  },
)

type ButtonProps = ComponentProps<'button'> & VariantProps<typeof variants>

export function Button({ look, size, className, ...props }: ButtonProps) {
  return <button type="button" className={cn(variants({ look, size }), className)} {...props} />
}
