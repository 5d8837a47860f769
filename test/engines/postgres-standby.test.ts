import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { physicalFacts } from '../../src/domain/physical-facts.js'
import type { Recovery } from '../../src/domain/plan-recovery.js'
import { walDelivery } from '../../src/engines/postgres/wal-delivery.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'
import { type Standby, startStandby } from '../wal/standby.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, engineFor, manifestOf, type RestorePlace } from './postgres-fixture.js'

let server: TestPostgres
let standby: Standby
let folder: ArtifactFolder
let place: RestorePlace

beforeAll(async () => {
  server = await startPostgres({ major: 18 })
  await server.fillSample(100)
  standby = await startStandby(server)
  folder = await createArtifactFolder()
  place = await createRestorePlace()
})

afterAll(async () => {
  await place?.remove()
  await folder?.remove()
  await standby?.dispose()
  await server?.dispose()
})

test('a backup of a standby is restored to the newest there is, and not made a standby that waits for more', async () => {
  const signal = AbortSignal.timeout(100_000)
  const engine = engineFor(server, { hosts: [`127.0.0.1:${standby.port}`] })
  const manifest = manifestOf(await engine.capture({ kind: 'full', label: 'avi5' }, folder.sink, signal))
  const instance = await place.create(manifest, engine)
  const request = { instance, manifest, reader: folder.reader }
  const { systemIdentifier, segmentSizeBytes, timeline, stopLsn } = physicalFacts(manifest)
  const goal = {
    systemIdentifier,
    segmentSizeBytes,
    timeline,
    target: { kind: 'latest' },
    needsHistory: false,
    pieces: [],
  } as const
  const recovery: Recovery = { ...goal, endLsn: stopLsn, endAt: manifest.stoppedAt }
  await engine.prepare({ ...request, recovery, progress: () => {} }, signal)
  const checks = await engine.check({ ...request, stage: 'beforeStart' }, signal)
  expect(checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  await expect(access(join(instance.dataDirectory, 'standby.signal'))).rejects.toMatchObject({ code: 'ENOENT' })
  // Nothing was archived: whatever is asked for is not there.
  await writeFile(walDelivery(instance).expected, '\n', { mode: 0o644 })
  await place.provisioner.start(instance, signal)
  const recovered = await engine.recover({ instance, manifest, recovery, progress: () => {} }, signal)
  expect(recovered).toMatchObject({ outcome: 'recovered', timeline: 2 })
})
