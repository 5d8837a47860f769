import { HoldfastError } from '../domain/errors.js'
import type { SystemName } from '../domain/ids.js'
import type { Mark, MarkFacts } from '../domain/mark.js'
import type { CallOptions } from '../storage/store.js'
import { dayPath } from './keys.js'
import type { ManifestPlace } from './manifests.js'
import { decodeMark, encodeMark, markLimitBytes } from './mark-codec.js'
import { putOnce } from './put-once.js'
import { readSmall } from './read-small.js'
import { markKey, markKeyOf, marksPrefix, parseMarkKey } from './wal-keys.js'

/** The marks of one repository. */
export interface Marks {
  /** Signed with the active key. Again with the same mark is success, whichever key it was signed with. */
  put(mark: Mark, options?: CallOptions): Promise<void>
  /** What the keys of marks say, ordered by time; nobody vouches for it until the mark is read. Other objects are passed over. */
  list(system: SystemName, options?: CallOptions & { readonly from?: Date }): AsyncIterable<MarkFacts>
  /** @throws NOT_FOUND, ARTIFACT_DAMAGED, FORMAT_UNKNOWN, KEY_MISSING */
  read(system: SystemName, facts: MarkFacts, options?: CallOptions): Promise<Mark>
}

/** The same place, keys and policy as for manifests. */
export function createMarks(place: ManifestPlace): Marks {
  const { store, keys, unsigned } = place
  return {
    put: (mark, options) => putMark(place, mark, options),
    list: (system, options) => listMarks(place, system, options),
    async read(system, facts, options) {
      const key = markKeyOf(system, facts)
      return decodeMark(await readSmall(store, key, markLimitBytes, options), key, keys, unsigned)
    },
  }
}

async function putMark({ store, keys, unsigned }: ManifestPlace, mark: Mark, options?: CallOptions): Promise<void> {
  const key = markKey(mark)
  try {
    await putOnce(store, key, encodeMark(mark, keys), options)
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'ALREADY_EXISTS')) throw error
    // Its key says all of it. One that was signed with the key that was active before says it as well.
    decodeMark(await readSmall(store, key, markLimitBytes, options), key, keys, unsigned)
  }
}

async function* listMarks(
  { store }: ManifestPlace,
  system: SystemName,
  options: CallOptions & { readonly from?: Date } = {},
): AsyncGenerator<MarkFacts> {
  const { from, ...call } = options
  const start = from === undefined ? {} : { after: `${marksPrefix(system)}${dayPath(from.toISOString())}/` }
  for await (const { key } of store.list(marksPrefix(system), { ...call, ...start })) {
    const facts = parseMarkKey(key)
    if (facts !== undefined && (from === undefined || Date.parse(facts.at) >= from.getTime())) yield facts
  }
}
