export { LiveProvider } from './LiveProvider'
export { LiveContext, useLive, useLiveEvents, type Live } from './live-context'
export type { LiveStatus } from './socket'
export { useRefresh } from './use-refresh'
