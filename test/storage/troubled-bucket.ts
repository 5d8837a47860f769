import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { S3StoreOptions } from '../../src/storage/s3-options.js'
import { createS3Store, type S3Store } from '../../src/storage/s3-store.js'
import { type Match, type S3Operation, type S3Proxy, startS3Proxy } from '../servers/s3-proxy.js'
import { createBucket, startVersitygw, type Versitygw } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'

/** A bucket on a real server, seen through a proxy that makes trouble. */
export interface TroubledBucket {
  readonly proxy: S3Proxy
  readonly server: Versitygw
  /** For files of the test. */
  readonly directory: string
  /** A store object of its own on the bucket, through the proxy. */
  open(changes?: Partial<S3StoreOptions>): S3Store
  /** Kills the server and starts it again on the same port and directory. */
  killServer(): Promise<void>
  stop(): Promise<void>
}

export async function openTroubledBucket(): Promise<TroubledBucket> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-faults-'))
  const place = { directory: join(directory, 'data') }
  let server = await startVersitygw(place)
  await createBucket(server, 'backups')
  const proxy = await startS3Proxy({ target: server.endpoint })
  const opened: S3Store[] = []
  return {
    proxy,
    server,
    directory,
    open: (changes = {}) => {
      const store = createS3Store({ ...optionsFor(server, 'backups'), endpoint: proxy.endpoint, ...changes })
      opened.push(store)
      return store
    },
    killServer: async () => {
      await server.stop('SIGKILL')
      server = await startVersitygw({ ...place, port: server.port })
    },
    stop: async () => {
      for (const store of opened) store.close()
      await proxy.stop()
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function is(operation: S3Operation): Match {
  return (request) => request.operation === operation
}

/** What S3 says of an error. */
export function errorBody(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said the test</Message></Error>`
}
