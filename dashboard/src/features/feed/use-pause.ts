import { useState } from 'react'

import type { Timeline } from './timeline'

/** Holds the view still while the timeline goes on; `waiting` is how much came meanwhile. */
export function usePause(timeline: Timeline) {
  const [held, setHeld] = useState<Timeline | null>(null)
  return {
    shown: held ?? timeline,
    paused: held !== null,
    waiting: held ? timeline.arrived - held.arrived : 0,
    toggle: () => setHeld(held ? null : timeline),
  }
}
