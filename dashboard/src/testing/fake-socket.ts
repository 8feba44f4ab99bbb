import { vi } from 'vitest'

/** Stands in for the browser's WebSocket; the test plays the server. */
export class FakeSocket {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 3
  static all: FakeSocket[] = []

  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1)
    if (!last) throw new Error('No socket was opened')
    return last
  }

  static install(): void {
    FakeSocket.all = []
    vi.stubGlobal('WebSocket', FakeSocket)
  }

  readyState = FakeSocket.CONNECTING
  onmessage: ((message: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  readonly sent: { type: string; message_id?: string }[] = []

  constructor(readonly url: string) {
    FakeSocket.all.push(this)
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(): void {
    this.readyState = FakeSocket.CLOSED
  }

  welcome(): void {
    this.readyState = FakeSocket.OPEN
    this.receive({ type: 'connected', client_id: 'ws_1', timestamp: 0 })
  }

  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }

  breakDown(): void {
    this.readyState = FakeSocket.CLOSED
    this.onclose?.()
  }
}
