import { text } from 'node:stream/consumers'
import { walEncryptionContext } from '../catalog/encryption-context.js'
import { walName } from '../catalog/wal-keys.js'
import type { Composition } from '../composition/compose.js'
import { toHoldfastError } from '../domain/errors.js'
import type { RepositoryName, SystemName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import type { Mark } from '../domain/mark.js'
import { type FoundHistory, type RecoveryWindow, recoveryWindow } from '../domain/recovery-window.js'
import { parseTimelineHistory } from '../domain/timeline-history.js'
import { historyFileTimeline, type WalObject } from '../domain/wal.js'
import { createWalInventory } from '../domain/wal-inventory.js'
import { consumeThrough } from '../jobs/consume-through.js'
import { decompressZstd } from '../pipeline/decompress-zstd.js'
import { decrypt } from '../pipeline/decrypt.js'

export async function readWindow(
  composition: Composition,
  system: SystemName,
  repository: RepositoryName,
  manifests: readonly Manifest[],
): Promise<RecoveryWindow> {
  const catalog = await composition.catalog(repository)
  const { store } = await composition.repository(repository)
  const sizes = new Map<string, number>()
  for (const { facts } of manifests) if (!('dumps' in facts)) sizes.set(facts.systemIdentifier, facts.segmentSizeBytes)
  const wal = createWalInventory(sizes)
  const found: WalObject[] = []
  for await (const object of catalog.wal.list(system)) {
    wal.add(object)
    if (object.kind === 'history') found.push(object)
  }
  const keys = await composition.keys()
  const histories: FoundHistory[] = []
  for (const object of found) {
    const timeline = historyFileTimeline(object.file) ?? 0
    const { systemIdentifier } = object
    try {
      const context = walEncryptionContext(system, walName(object))
      const stored = await store.get(object.key)
      const stages = object.encrypted ? [decrypt({ keys, context })] : []
      const signal = new AbortController().signal
      const plain = await consumeThrough(stored, [...stages, decompressZstd()], text, signal)
      histories.push({ systemIdentifier, timeline, history: parseTimelineHistory(plain, timeline) })
    } catch (error) {
      if (toHoldfastError(error).retryable) throw error
      histories.push({ systemIdentifier, timeline })
    }
  }
  const marks: Mark[] = []
  for await (const facts of catalog.marks.list(system)) marks.push(await catalog.marks.read(system, facts))
  return recoveryWindow({ manifests, wal, histories, marks, now: new Date() })
}
