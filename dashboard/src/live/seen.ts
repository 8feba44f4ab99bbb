/** Remembers the last ids it was shown, to recognise a frame that is delivered again. */
export class Seen {
  private readonly ids = new Set<string>()

  constructor(private readonly limit = 5_000) {}

  /** True the first time an id is shown. */
  add(id: string): boolean {
    if (this.ids.has(id)) return false
    this.ids.add(id)
    if (this.ids.size > this.limit) this.forgetOldest()
    return true
  }

  private forgetOldest(): void {
    for (const oldest of this.ids) {
      this.ids.delete(oldest)
      return
    }
  }
}
