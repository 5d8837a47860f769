import type { WholeChecksum } from './s3-complete.js'
import { connectS3 } from './s3-connection.js'
import { deleteObjects } from './s3-delete.js'
import { listObjects } from './s3-list.js'
import { getObject, headObject } from './s3-objects.js'
import type { S3StoreOptions } from './s3-options.js'
import { probeS3 } from './s3-probe.js'
import { putObject } from './s3-put.js'
import { putObjectFrom } from './s3-put-from.js'
import { s3Uploads } from './s3-uploads.js'
import type { Store, StoreCapabilities, Uploads } from './store.js'

export type S3Store = Store & {
  readonly uploads: Uploads
  /** Closes the connections kept alive; without it they keep nothing running, but linger until the store ends them. */
  close(): void
}

/**
 * Objects in a bucket of AWS S3 or a store like it. Nothing is sent before the first call. Until `probe` has succeeded no
 * capability is declared; uploads are made in the full way (with a CRC-32 of the whole object) unless it found that absent.
 */
export function createS3Store(options: S3StoreOptions): S3Store {
  const s3 = connectS3(options)
  let probed: StoreCapabilities | undefined
  const wholeChecksum = (): WholeChecksum => (probed?.fullObjectCrc32 === false ? 'unknown-to-the-store' : 'sent')
  return {
    description: s3.description,
    get capabilities() {
      return probed ?? nothingKnown
    },
    probe: async (call = {}) => {
      probed = await probeS3(s3, call)
      return probed
    },
    put: (key, bytes, put) => putObject(s3, key, bytes, put),
    putFrom: (key, source, put) => putObjectFrom(s3, key, source, put),
    get: (key, get = {}) => getObject(s3, key, get),
    head: (key, call = {}) => headObject(s3, key, call),
    list: (prefix, list = {}) => listObjects(s3, prefix, list),
    delete: (keys, call = {}) => deleteObjects(s3, keys, call),
    uploads: s3Uploads(s3, wholeChecksum),
    close: s3.close,
  }
}

const nothingKnown: StoreCapabilities = {
  conditionalPut: false,
  multipart: false,
  fullObjectCrc32: false,
  versioning: false,
  objectLock: false,
  storageClasses: [],
  serverSideCopy: false,
}
