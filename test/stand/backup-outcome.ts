import { expect } from 'vitest'
import { artifactKey, manifestKey } from '../../src/catalog/keys.js'
import { compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { BackupReport } from '../../src/domain/operations.js'
import type { Ending } from './operations.js'
import { leftSince } from './remains.js'
import type { Stand } from './stand.js'

/**
 * Backups that ended, whatever the end: one that is committed in `local` is whole there, and in `primary` it is whole or not
 * there at all, as its report says. Of all others nothing is there.
 * @param before what was on the stand before they began
 */
export async function expectWholeOrNothing(
  stand: Stand,
  before: readonly string[],
  endings: readonly Ending<BackupReport>[],
): Promise<void> {
  const own: string[] = []
  for (const ending of endings) if (ending.outcome === 'done') own.push(...(await expectWhole(stand, ending.report)))
  expect(await leftSince(stand, [...before, ...own])).toEqual([])
}

/** @returns the lines of `remainsOf` that are this backup's own */
async function expectWhole(stand: Stand, { backup, outcome, copies }: BackupReport): Promise<string[]> {
  const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
  const committed = Object.entries(copies).filter(([, { state }]) => state === 'committed')
  expect(copies).toMatchObject({ local: { state: 'committed' } })
  expect(outcome).toBe(committed.length === 2 ? 'complete' : 'degraded')
  const lines: string[] = []
  for (const [name] of committed) {
    const catalog = await composition.catalog(parseRepositoryName(name))
    const manifest = await catalog.read(backup)
    expect(await catalog.checkArtifacts(manifest), `${backup} in ${name}`).toEqual([])
    const artifacts = manifest.artifacts.map((artifact) => artifactKey(backup, manifest.attempt, artifact.name))
    const place = name === 'local' ? 'local' : 'bucket'
    const directory = name === 'local' ? [manifestKey(backup).replace(/\/manifest\.json$/, '')] : []
    lines.push(...[manifestKey(backup), ...artifacts, ...directory].map((key) => `${place} ${key}`))
  }
  return lines
}
