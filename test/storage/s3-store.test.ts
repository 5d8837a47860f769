import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createS3Store, type S3Store } from '../../src/storage/s3-store.js'
import { createBucket, startVersitygw } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'
import { describeStoreConformance, type StoreUnderTest } from './store-conformance.js'

for (const protocol of ['http', 'https'] as const) {
  describeStoreConformance(`a bucket over ${protocol}`, () => makeBucket(protocol))
}

async function makeBucket(protocol: 'http' | 'https'): Promise<StoreUnderTest> {
  const base = await mkdtemp(join(tmpdir(), 'holdfast-s3-'))
  const server = await startVersitygw({ directory: join(base, 'data'), tls: protocol === 'https' })
  await createBucket(server, 'backups')
  const opened: S3Store[] = []
  const open = (bucket: string): S3Store => {
    const store = createS3Store({ ...optionsFor(server, bucket), prefix: 'some/prefix' })
    opened.push(store)
    return store
  }
  return {
    open: () => open('backups'),
    openMissing: () => open('no-such-bucket'),
    close: async () => {
      for (const store of opened) store.close()
      await server.stop()
      await rm(base, { recursive: true, force: true })
    },
  }
}
