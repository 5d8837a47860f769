import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { discardSentCopy } from '../../src/activities/discard-copy.js'
import { createCatalog } from '../../src/catalog/catalog.js'
import { artifactKey } from '../../src/catalog/keys.js'
import type { Composition } from '../../src/composition/compose.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { createMemoryStore } from '../catalog/memory-store.js'
import { keyRing, sampleManifest } from '../catalog/sample-manifest.js'

const { backup } = sampleManifest({ keyId: '2026-11' })

test('what a store finishes after its sender has ended is removed as well (a store in memory stands for one that is slow)', async () => {
  const store = createMemoryStore()
  const composition = { catalog: async () => createCatalog({ store, keys: keyRing('2026-11') }) } as unknown as Composition
  const bytes = Buffer.from('half a backup')
  const key = (name: string) => artifactKey(backup, 'a1', name)
  store.objects.set(key('16384.tar.zst.enc'), bytes)
  const discarding = discardSentCopy(composition, parseRepositoryName('primary'), backup, 'a1', new AbortController().signal)
  while (store.objects.size > 0) await sleep(5)
  await sleep(200)
  store.objects.set(key('base.tar.zst.enc'), bytes)
  expect(await discarding).toBe('removed')
  expect([...store.objects.keys()]).toEqual([])
})
