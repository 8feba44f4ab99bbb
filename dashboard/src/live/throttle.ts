export interface Throttled {
  (): void
  cancel: () => void
}

/**
 * Calls at once, then at most once per `interval` and never while the last call is still under way;
 * a request made meanwhile is honoured afterwards.
 */
export function throttle(call: () => unknown, interval: number): Throttled {
  let busy = false
  let wanted = false

  const run = async (): Promise<void> => {
    busy = true
    await Promise.allSettled([call(), pause(interval)])
    busy = false
    if (!wanted) return
    wanted = false
    await run()
  }
  const request = (): void => {
    if (busy) wanted = true
    else void run()
  }
  const cancel = (): void => {
    wanted = false
  }
  return Object.assign(request, { cancel })
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
