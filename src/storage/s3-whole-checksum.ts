import pLimit from 'p-limit'
import { s3CodeOf } from './s3-errors.js'
import { isRefusal } from './s3-refusal.js'
import type { CallOptions } from './store.js'

/** Whether parts of an upload add up to a CRC-32 of the whole object that the store computes and compares. */
export type WholeChecksum = 'sent' | 'unknown-to-the-store'

/** What is known of one store. Taken to be good until there is doubt, so that good stores are asked nothing. */
export interface ChecksumKnowledge {
  now(): WholeChecksum
  /** Tries it out, once. */
  learn(call: CallOptions): Promise<WholeChecksum>
  /** Tried out by somebody else. */
  settle(checksum: WholeChecksum): void
}

export function learnedChecksum(tryOut: (call: CallOptions) => Promise<WholeChecksum>): ChecksumKnowledge {
  let known: WholeChecksum | undefined
  const oneAtATime = pLimit(1)
  return {
    now: () => known ?? 'sent',
    learn: (call) =>
      oneAtATime(async () => {
        known ??= await tryOut(call)
        return known
      }),
    settle: (checksum) => {
      known = checksum
    },
  }
}

/** For trying out one way or the other. */
export function settledChecksum(checksum: WholeChecksum): ChecksumKnowledge {
  return { now: () => checksum, learn: async () => checksum, settle: () => undefined }
}

/**
 * Sends a request with the checksum of the whole; where it is refused and the store turns out not to know such, without.
 * Refused for another reason, as for bytes that are damaged, it stays refused.
 */
export async function asTheStoreCan<T>(
  knowledge: ChecksumKnowledge,
  call: CallOptions,
  send: (checksum: WholeChecksum) => Promise<T>,
): Promise<T> {
  const tried = knowledge.now()
  try {
    return await send(tried)
  } catch (error) {
    const refused = tried === 'sent' && isRefusal(error) && s3CodeOf(error) !== undefined
    if (!refused || (await knowledge.learn(call)) === 'sent') throw error
    return send('unknown-to-the-store')
  }
}
