import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { createS3Store, type S3Store } from '../../src/storage/s3-store.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'

/** A bucket on a real S3 server for the tests of a file. @returns makes a store with a prefix of its own in it */
export function useBucket(): () => S3Store {
  const opened: S3Store[] = []
  let base: string
  let server: Versitygw
  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'holdfast-bucket-'))
    server = await startVersitygw({ directory: join(base, 'data') })
    await createBucket(server, 'backups')
  })
  afterAll(async () => {
    for (const store of opened) store.close()
    await server.stop()
    await rm(base, { recursive: true, force: true })
  })
  return () => {
    const store = createS3Store({ ...optionsFor(server, 'backups'), prefix: `test-${opened.length}` })
    opened.push(store)
    return store
  }
}
