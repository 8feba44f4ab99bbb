const HIDDEN_FLUSH_MS = 1_000

/**
 * Collects items and hands them over once per animation frame.
 * A hidden tab gets no animation frames, so a timer takes over there.
 */
export class Batch<T> {
  private items: T[] = []
  private frame = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly deliver: (items: T[]) => void,
    private readonly limit = 2_000,
  ) {}

  add(item: T): void {
    this.items.push(item)
    if (this.items.length > this.limit) this.items.shift()
    if (this.timer === undefined) this.schedule()
  }

  clear(): void {
    this.items = []
    this.unschedule()
  }

  private schedule(): void {
    this.frame = requestAnimationFrame(this.flush)
    this.timer = setTimeout(this.flush, HIDDEN_FLUSH_MS)
  }

  private unschedule(): void {
    cancelAnimationFrame(this.frame)
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private readonly flush = (): void => {
    const items = this.items
    this.clear()
    if (items.length > 0) this.deliver(items)
  }
}
