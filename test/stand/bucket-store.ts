import { createS3Store } from '../../src/storage/s3-store.js'
import type { Store } from '../../src/storage/store.js'
import type { Stand } from './stand.js'

/** The stand's bucket, asked past the proxy: looking does not count as a request of the product. */
export async function bucketStore({ s3 }: Stand): Promise<Store> {
  return createS3Store({
    bucket: 'backups',
    prefix: '',
    region: s3.region,
    endpoint: s3.endpoint,
    forcePathStyle: true,
    requestTimeoutMs: 10_000,
    maxAttempts: 2,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  })
}
