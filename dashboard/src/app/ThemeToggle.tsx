import { Moon, Sun } from 'lucide-react'

import { Button } from '@/ui/button'
import { Tooltip } from '@/ui/tooltip'

import { useTheme } from './theme'

export function ThemeToggle() {
  const [theme, toggle] = useTheme()
  const Icon = theme === 'dark' ? Sun : Moon
  const label = theme === 'dark' ? 'Use the light theme' : 'Use the dark theme'
  return (
    <Tooltip text={label}>
      <Button look="plain" size="icon" aria-label={label} onClick={toggle}>
        <Icon aria-hidden="true" />
      </Button>
    </Tooltip>
  )
}
