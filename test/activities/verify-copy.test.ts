import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { createBackupActivities } from '../../src/activities/backup-activities.js'
import { createCatalog } from '../../src/catalog/catalog.js'
import { artifactKey } from '../../src/catalog/keys.js'
import type { Composition } from '../../src/composition/compose.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { keyRing, sampleManifest } from '../catalog/sample-manifest.js'

const manifest = sampleManifest({ keyId: '2026-11' })

test('the check of a copy shows a sign of life after each artifact, also where nothing is read again', async () => {
  const store = createMemoryStore()
  const composition = { catalog: async () => createCatalog({ store, keys: keyRing('2026-11') }) } as unknown as Composition
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
  const heartbeats: unknown[] = []
  environment.on('heartbeat', (details) => heartbeats.push(details))
  for (const { name } of manifest.artifacts) {
    store.objects.set(artifactKey(manifest.backup, manifest.attempt, name), Buffer.from('something else'))
  }
  const { verifyCopy } = createBackupActivities(composition)
  await expect(environment.run(verifyCopy, { repository: parseRepositoryName('primary') }, manifest)).rejects.toMatchObject({
    code: 'ARTIFACT_DAMAGED',
  })
  const names = manifest.artifacts.map(({ name }) => name)
  expect(names.length).toBeGreaterThan(0)
  expect(heartbeats).toEqual(names)
})
