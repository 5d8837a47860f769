import type { Launched } from './launch.js'

/** What a program gets to clean up after SIGTERM before it is killed. */
const graceMs = 5_000

/** Once the signal is aborted: SIGTERM to the program and all it started, SIGKILL after 5 s. */
export function stopOnAbort(launched: Launched, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const stop = (): void => {
    launched.kill('SIGTERM')
    const timer = setTimeout(() => launched.kill('SIGKILL'), graceMs)
    void launched.exited.then(() => clearTimeout(timer))
  }
  signal.addEventListener('abort', stop, { once: true })
  void launched.exited.then(() => signal.removeEventListener('abort', stop))
}
