import '@testing-library/jest-dom/vitest'

import { cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'

afterEach(cleanup)

// jsdom lays nothing out; the virtual list and the chart ask for sizes.
class StillObserver implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

globalThis.ResizeObserver = StillObserver
globalThis.matchMedia = (media) =>
  Object.assign(new EventTarget(), {
    media,
    matches: false,
    onchange: null,
    addListener: () => undefined,
    removeListener: () => undefined,
  })
Object.defineProperties(HTMLElement.prototype, {
  clientWidth: { get: () => 640 },
  clientHeight: { get: () => 640 },
  getBoundingClientRect: { value: () => new DOMRect(0, 0, 640, 640) },
})
