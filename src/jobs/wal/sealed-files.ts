import { parseWalKey, walPrefix } from '../../catalog/wal-keys.js'
import type { ObjectKey, SystemName } from '../../domain/ids.js'
import { lsnToBytes } from '../../domain/lsn.js'
import type { WalIdentity } from '../../domain/wal.js'
import type { CallOptions } from '../../storage/store.js'
import type { Spool } from './spool.js'

/** A file as it waits in the spool for the repositories. */
export type SealedFile = WalIdentity & { readonly key: ObjectKey; readonly sizeBytes: number }

/** In the order of the WAL: by timeline, its history first; by segment, partial ones first, the longer ones later. */
export async function listSealed(spool: Spool, system: SystemName, options?: CallOptions): Promise<SealedFile[]> {
  const files: SealedFile[] = []
  for await (const { key, sizeBytes } of spool.store.list(walPrefix(system), options)) {
    const found = parseWalKey(key)
    if (found !== undefined) files.push({ ...found.identity, key, sizeBytes })
  }
  return files.toSorted(inOrder)
}

export function timelineOf({ file }: WalIdentity): number {
  return Number(`0x${file.slice(0, 8)}`)
}

export function inOrder(a: WalIdentity, b: WalIdentity): number {
  if (timelineOf(a) !== timelineOf(b)) return timelineOf(a) - timelineOf(b)
  if (a.kind === 'history' || b.kind === 'history') return rank(a) - rank(b)
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  if (a.kind !== 'partial' || b.kind !== 'partial') return rank(a) - rank(b)
  return lsnToBytes(a.endLsn) < lsnToBytes(b.endLsn) ? -1 : 1
}

const ranks = { history: 0, partial: 1, segment: 2 } as const

function rank({ kind }: WalIdentity): number {
  return ranks[kind]
}
