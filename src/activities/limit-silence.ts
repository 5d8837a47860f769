import { HoldfastError } from '../domain/errors.js'

/** A limit for silence, not for how much is told: with every word the time begins anew. */
export interface SilenceLimit {
  heard(): void
  /** Fails with STORE_UNAVAILABLE once nothing was heard for so long, and with its reason when the signal is aborted. */
  readonly silence: Promise<never>
  end(): void
}

export function limitSilence(limitMs: number, signal: AbortSignal): SilenceLimit {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  let words = 0
  const timer = setTimeout(() => {
    const seconds = Math.ceil(limitMs / 1000)
    const what = words === 0 ? `did not answer within ${seconds} s` : `fell silent: nothing more came for ${seconds} s`
    reject(new HoldfastError('STORE_UNAVAILABLE', what))
  }, limitMs)
  return {
    heard() {
      words += 1
      timer.refresh()
    },
    silence: promise,
    end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    },
  }
}
