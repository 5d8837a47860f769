import type { HeldRequest, LoggedRequest, Match } from '../servers/s3-proxy.js'
import type { KillStand } from './kill-stand.js'

/** What happens of one attempt of a system's backup; of any where none is named. */
export interface Of {
  readonly system: string
  readonly attempt?: string
}

/** Resolves when the next sending of a part begins. */
export function nextPartOf(stand: KillStand, of: Of): Promise<void> {
  return new Promise((resolve) => {
    const off = stand.proxy.on((request) => {
      if (request.operation !== 'PutPart' || !isOf(of, request)) return
      off()
      resolve()
    })
  })
}

/**
 * A moment between two steps of a copy to S3: a request that is held before the server has seen it, or before its answer is. The
 * data directory is complete when the capture ends, and so is the last that has parts.
 */
export type UploadMoment = 'before complete' | 'after complete' | 'before manifest' | 'after manifest'

/** Waits for the moment, until the signal. */
export function holdAt(stand: KillStand, of: Of, moment: UploadMoment, signal?: AbortSignal): Promise<HeldRequest> {
  switch (moment) {
    case 'before complete':
      return stand.proxy.hold(completing(of), 'before', signal)
    case 'after complete':
      return stand.proxy.hold(completing(of), 'after', signal)
    case 'before manifest':
      return stand.proxy.hold(committing(of), 'before', signal)
    case 'after manifest':
      return stand.proxy.hold(committing(of), 'after', signal)
  }
}

function completing(of: Of): Match {
  return (request) => request.operation === 'Complete' && request.key.includes('/base.tar') && isOf(of, request)
}

/** A manifest is of no attempt. */
function committing({ system }: Of): Match {
  return (request) => request.operation === 'Put' && request.key.endsWith('/manifest.json') && isOf({ system }, request)
}

function isOf({ system, attempt }: Of, { key }: LoggedRequest): boolean {
  return key.startsWith(`${system}/`) && (attempt === undefined || key.includes(`/${attempt}/`))
}
