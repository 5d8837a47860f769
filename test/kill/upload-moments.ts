import type { HeldRequest, LoggedRequest, Match } from '../servers/s3-proxy.js'
import type { KillStand } from './kill-stand.js'

/** Resolves when the n-th sending of a part of this system's begins, counted from now. */
export function nthPartOf(stand: KillStand, system: string, n: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0
    const off = stand.proxy.on((request) => {
      if (request.operation !== 'PutPart' || !isOf(system, request)) return
      seen += 1
      if (seen < n) return
      off()
      resolve()
    })
  })
}

/** A moment between two steps of a copy to S3: a request that is held before the server has seen it, or before its answer is. */
export type UploadMoment = 'before complete' | 'after complete' | 'before manifest' | 'after manifest'

/** Waits for the moment. Nothing of this backup happens in S3 until it is released. */
export function holdAt(stand: KillStand, system: string, moment: UploadMoment): Promise<HeldRequest> {
  switch (moment) {
    case 'before complete':
      return stand.proxy.hold(completing(system), 'before')
    case 'after complete':
      return stand.proxy.hold(completing(system), 'after')
    case 'before manifest':
      return stand.proxy.hold(committing(system), 'before')
    case 'after manifest':
      return stand.proxy.hold(committing(system), 'after')
  }
}

function completing(system: string): Match {
  return (request) => request.operation === 'Complete' && isOf(system, request)
}

function committing(system: string): Match {
  return (request) => request.operation === 'Put' && request.key.endsWith('/manifest.json') && isOf(system, request)
}

function isOf(system: string, { key }: LoggedRequest): boolean {
  return key.startsWith(`${system}/`)
}
