import type { S3StoreOptions } from '../../src/storage/s3-options.js'
import type { Versitygw } from './versitygw.js'

/** Options of an S3 store on a bucket of this server, with timeouts for tests. */
export function optionsFor(server: Omit<Versitygw, 'stop'>, bucket: string): S3StoreOptions {
  return {
    bucket,
    region: server.region,
    endpoint: server.endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
    ...(server.caFile !== undefined && { tls: { caFile: server.caFile } }),
    requestTimeoutMs: 5000,
    maxAttempts: 3,
  }
}
