import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { artifactKey, manifestKey } from '../../src/catalog/keys.js'
import { type ObjectKey, parseRepositoryName } from '../../src/domain/ids.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { BackupReport } from '../../src/domain/operations.js'
import type { BackupEnd } from './backup-run.js'
import type { KillStand } from './kill-stand.js'
import { leftovers } from './leftovers.js'
import { expectRestores } from './restored.js'

export type Depth = 'look at artifacts' | 'restore'

const repositories = ['local', 'primary'].map(parseRepositoryName)

/**
 * The promise of this product: each backup that ended well is whole in both repositories, and nothing else is left anywhere.
 * No operation may be running.
 */
export async function expectWholeOrNothing(stand: KillStand, ends: readonly BackupEnd[], depth: Depth): Promise<void> {
  const kept: string[] = []
  for (const end of ends) {
    if ('failure' in end) continue
    kept.push(...(await expectWhole(stand, end.report)))
  }
  const committed = ends.flatMap((end) => ('report' in end ? [end.report] : []))
  if (depth === 'restore') for (const report of committed.slice(0, 1)) await expectRestores(stand, report)
  expect(await leftovers(stand, kept)).toEqual([])
}

/** @returns the keys of all its objects */
async function expectWhole(stand: KillStand, report: BackupReport): Promise<string[]> {
  expect(report).toMatchObject({
    outcome: 'complete',
    copies: { local: { state: 'committed' }, primary: { state: 'committed' } },
  })
  const manifests: Manifest[] = []
  for (const repository of repositories) {
    const catalog = await stand.composition.catalog(repository)
    const manifest = await catalog.read(report.backup)
    expect(await catalog.checkArtifacts(manifest), `${report.backup} in ${repository}`).toEqual([])
    manifests.push(manifest)
  }
  const [manifest, copy] = manifests
  expect(copy).toEqual(manifest)
  expect(manifest?.attempt).toBe(`a${report.attempts}`)
  return manifest === undefined ? [] : objectsOf(manifest)
}

function objectsOf({ backup, attempt, artifacts }: Manifest): string[] {
  return [manifestKey(backup), ...artifacts.map(({ name }) => artifactKey(backup, attempt, name))]
}

/** Makes room for the next trials: empties both repositories, whatever is in them. */
export async function removeBackups(stand: KillStand): Promise<void> {
  for (const name of repositories) {
    const { store } = await stand.composition.repository(name)
    for await (const upload of store.uploads?.listStale('', new Date(8.64e15)) ?? []) await store.uploads?.abort(upload)
    const keys: ObjectKey[] = []
    for await (const { key } of store.list('')) keys.push(key)
    await store.delete(keys)
  }
  const local = join(stand.directory, 'local')
  for (const entry of await readdir(local)) await rm(join(local, entry), { recursive: true, force: true })
}
