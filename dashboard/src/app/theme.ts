import { useState } from 'react'

export type Theme = 'dark' | 'light'

const STORED_AS = 'theme'

export function applyStoredTheme(): void {
  const theme = storedTheme()
  if (theme) document.documentElement.dataset.theme = theme
}

/** The theme in use, and how to change to the other one. */
export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => storedTheme() ?? systemTheme())
  const toggle = (): void => {
    const next = theme === 'dark' ? 'light' : 'dark'
    localStorage.setItem(STORED_AS, next)
    document.documentElement.dataset.theme = next
    setTheme(next)
  }
  return [theme, toggle]
}

function storedTheme(): Theme | null {
  const stored = localStorage.getItem(STORED_AS)
  return stored === 'dark' || stored === 'light' ? stored : null
}

function systemTheme(): Theme {
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
}
