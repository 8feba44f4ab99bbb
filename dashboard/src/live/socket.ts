import { parseFrame, type EventFrame } from '@/api/frames'

import { backoff } from './backoff'
import { Seen } from './seen'

export type LiveStatus = 'connecting' | 'live' | 'reconnecting' | 'offline'

interface SocketListener {
  onStatus: (status: LiveStatus) => void
  onEvent: (event: EventFrame) => void
  /** The connection is back after a gap: what was pushed meanwhile is lost. */
  onReturn: () => void
}

const PING_EVERY_MS = 25_000
const SILENCE_LIMIT_MS = 60_000
const OPENING_LIMIT_MS = 10_000
const OFFLINE_AFTER_ATTEMPTS = 4
const ACKNOWLEDGED = ['task.', 'subtask.', 'message.']

/** The one connection to the bridge: it keeps itself open for as long as it is wanted. */
export class LiveSocket {
  private socket: WebSocket | undefined
  private readonly seen = new Seen()
  private attempt = 0
  private wasLive = false
  private lastFrameAt = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private opening: ReturnType<typeof setTimeout> | undefined
  private heartbeat: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly url: string,
    private readonly listener: SocketListener,
    /** Fetches what the bridge asks callers from elsewhere for; it is asked for at each connection. */
    private readonly fetchToken?: () => Promise<string>,
  ) {}

  open(): void {
    document.addEventListener('visibilitychange', this.onVisible)
    window.addEventListener('online', this.connectNow)
    window.addEventListener('offline', this.onOffline)
    this.connect()
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.onVisible)
    window.removeEventListener('online', this.connectNow)
    window.removeEventListener('offline', this.onOffline)
    clearTimeout(this.retry)
    this.drop()
  }

  private connect(): void {
    clearTimeout(this.retry)
    this.drop()
    this.opening = setTimeout(() => this.lose(), OPENING_LIMIT_MS)
    if (this.fetchToken) void this.connectWithToken(this.fetchToken)
    else this.connectTo(this.url)
  }

  private async connectWithToken(fetchToken: () => Promise<string>): Promise<void> {
    const opening = this.opening
    try {
      const token = await fetchToken()
      if (opening === this.opening) this.connectTo(`${this.url}?token=${encodeURIComponent(token)}`)
    } catch {
      if (opening === this.opening) this.lose()
    }
  }

  private connectTo(url: string): void {
    const socket = new WebSocket(url)
    socket.onmessage = (message) => this.receive(message.data)
    socket.onclose = () => this.lose()
    this.socket = socket
  }

  private drop(): void {
    clearTimeout(this.opening)
    this.opening = undefined
    clearInterval(this.heartbeat)
    if (!this.socket) return
    this.socket.onmessage = null
    this.socket.onclose = null
    this.socket.close()
    this.socket = undefined
  }

  private receive(text: unknown): void {
    this.lastFrameAt = Date.now()
    const frame = parseFrame(text)
    if (frame?.kind === 'connected') this.welcome()
    else if (frame?.kind === 'ping') this.send({ type: 'pong', timestamp: Date.now() })
    else if (frame?.kind === 'event') this.take(frame.event)
  }

  private welcome(): void {
    clearTimeout(this.opening)
    clearInterval(this.heartbeat)
    this.heartbeat = setInterval(this.beat, PING_EVERY_MS)
    this.attempt = 0
    this.listener.onStatus('live')
    if (this.wasLive) this.listener.onReturn()
    this.wasLive = true
  }

  private take(event: EventFrame): void {
    if (ACKNOWLEDGED.some((prefix) => event.event.startsWith(prefix))) {
      this.send({ type: 'ack', message_id: event.id })
    }
    if (this.seen.add(event.id)) this.listener.onEvent(event)
  }

  private readonly beat = (): void => {
    // A laptop that slept keeps a socket that looks open and is not.
    if (this.isSilent()) this.connectNow()
    else this.send({ type: 'ping', timestamp: Date.now() })
  }

  private lose(): void {
    this.drop()
    const down = !navigator.onLine || this.attempt >= OFFLINE_AFTER_ATTEMPTS
    this.listener.onStatus(down ? 'offline' : 'reconnecting')
    clearTimeout(this.retry)
    this.retry = setTimeout(() => this.connect(), backoff(this.attempt))
    this.attempt += 1
  }

  private readonly connectNow = (): void => {
    this.attempt = 0
    this.listener.onStatus('reconnecting')
    this.connect()
  }

  private readonly onVisible = (): void => {
    if (document.visibilityState !== 'visible') return
    if (!this.socket || (this.isOpen() && this.isSilent())) this.connectNow()
  }

  private readonly onOffline = (): void => this.lose()

  private send(frame: object): void {
    if (this.isOpen()) this.socket?.send(JSON.stringify(frame))
  }

  private isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN
  }

  private isSilent(): boolean {
    return Date.now() - this.lastFrameAt > SILENCE_LIMIT_MS
  }
}
