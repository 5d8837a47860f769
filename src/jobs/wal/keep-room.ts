import { HoldfastError } from '../../domain/errors.js'
import type { RepositoryName } from '../../domain/ids.js'
import { formatBytes } from '../../domain/quantity.js'
import { type Purged, purgeSpool } from './purge-spool.js'
import type { Reception } from './receive-session.js'
import type { Archived, Spool, SpoolState } from './spool.js'

/** Removes what nobody needs any more; what had to go although somebody did is told. */
export async function makeRoom(reception: Reception, state: SpoolState): Promise<Purged> {
  const { spool, wal, repositories, sealing, conditions } = reception
  const archived = await readAllArchived(reception)
  const purged = await purgeSpool({ spool, system: sealing.system, state, archived, repositories, required: wal.required })
  if (purged.dropped > 0) {
    const message = `the spool is full: ${purged.dropped} files that only repositories not required lack were dropped`
    conditions.raise('dropped', 'SPOOL_SHORT', message)
  } else if (purged.usedBytes < spool.maximumBytes / 2) conditions.clear('dropped')
  return purged
}

const reserve = { segments: 4, bytes: 64 * 1024 * 1024 }

/** Makes what room there can be. @returns why there is none to receive more; the server keeps what comes meanwhile */
export async function lackOfRoom(reception: Reception, state: SpoolState): Promise<HoldfastError | undefined> {
  const { spool, conditions } = reception
  const { usedBytes } = await makeRoom(reception, state)
  const freeBytes = await spool.freeBytes()
  const isDiskShort = freeBytes < Math.max(reserve.segments * state.segmentSizeBytes, reserve.bytes)
  if (!isDiskShort && usedBytes <= spool.maximumBytes) {
    conditions.clear('room')
    return undefined
  }
  const message = isDiskShort
    ? `the spool's disk has ${formatBytes(freeBytes)} free`
    : `${formatBytes(usedBytes)} of WAL wait in the spool, which may hold ${formatBytes(spool.maximumBytes)}`
  return new HoldfastError('SPOOL_SHORT', `${message}; nothing is received, and the server keeps its WAL as long as it may`)
}

/** What the repositories that have begun hold. */
export async function readAllArchived({
  spool,
  repositories,
}: {
  readonly spool: Spool
  readonly repositories: readonly RepositoryName[]
}): Promise<ReadonlyMap<RepositoryName, Archived>> {
  const found = await Promise.all(repositories.map(async (name) => [name, await spool.readArchived(name)] as const))
  return new Map(found.filter((each): each is readonly [RepositoryName, Archived] => each[1] !== undefined))
}
