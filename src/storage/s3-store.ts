import { connectS3 } from './s3-connection.js'
import { deleteObjects } from './s3-delete.js'
import { listObjects } from './s3-list.js'
import { getObject, headObject } from './s3-objects.js'
import type { S3StoreOptions } from './s3-options.js'
import { probeS3 } from './s3-probe.js'
import { probeWholeChecksum } from './s3-probe-multipart.js'
import { putObject } from './s3-put.js'
import { putObjectFrom } from './s3-put-from.js'
import { s3Uploads } from './s3-uploads.js'
import { learnedChecksum } from './s3-whole-checksum.js'
import type { Store, StoreCapabilities, Uploads } from './store.js'

export type S3Store = Store & {
  readonly uploads: Uploads
  /** Closes the connections kept alive; without it they keep nothing running, but linger until the store ends them. */
  close(): void
}

/**
 * Objects in a bucket of AWS S3 or a store like it. Nothing is sent before the first call. Until `probe` has succeeded no
 * capability is declared. Uploads are made in the full way (with a CRC-32 of the whole object) unless `probe` found that absent, or
 * the store's answers gave a reason to try it out.
 */
export function createS3Store(options: S3StoreOptions): S3Store {
  const s3 = connectS3(options)
  let probed: StoreCapabilities | undefined
  const wholeChecksum = learnedChecksum((call) => probeWholeChecksum(s3, call))
  return {
    description: s3.description,
    get capabilities() {
      return probed ?? nothingKnown
    },
    probe: async (call = {}) => {
      probed = await probeS3(s3, call)
      wholeChecksum.settle(probed.fullObjectCrc32 ? 'sent' : 'unknown-to-the-store')
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
