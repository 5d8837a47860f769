import { type ErrorCode, HoldfastError, toHoldfastError } from '../../domain/errors.js'

/** One line of the doctor. `code` is of the failure that would meet whoever goes on regardless. */
export interface DoctorFinding {
  readonly subject: string
  readonly outcome: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly hint?: string
  readonly code?: ErrorCode
}

export function ok(subject: string, message: string): DoctorFinding {
  return { subject, outcome: 'ok', message }
}

export function warning(subject: string, message: string, hint: string): DoctorFinding {
  return { subject, outcome: 'warning', message, hint }
}

export function failed(subject: string, code: ErrorCode, message: string, hint: string): DoctorFinding {
  return { subject, outcome: 'failed', code, message, hint }
}

/** One look may take this long: whoever asks a doctor waits for the answer. */
const lookTimeoutMs = 15_000

/** Runs a look; what it throws, and its not coming back, are findings as well. */
export async function look(
  subject: string,
  work: (signal: AbortSignal) => Promise<readonly DoctorFinding[]>,
): Promise<readonly DoctorFinding[]> {
  const signal = AbortSignal.timeout(lookTimeoutMs)
  try {
    return await Promise.race([work(signal), silence(subject, signal)])
  } catch (error) {
    const { code, message, hint } = toHoldfastError(signal.aborted ? silenceError(subject) : error)
    return [failed(subject, code, message, hint)]
  }
}

function silence(subject: string, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(silenceError(subject)), { once: true }))
}

function silenceError(subject: string): HoldfastError {
  const code = subject.startsWith('repository')
    ? 'STORE_UNAVAILABLE'
    : subject.startsWith('system')
      ? 'SOURCE_UNAVAILABLE'
      : 'LOCAL_IO'
  return new HoldfastError(code, `no answer within ${lookTimeoutMs / 1000} s`)
}
