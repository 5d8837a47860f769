import type { ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3'
import type { S3StoreOptions } from './s3-options.js'

interface StoredAs {
  readonly StorageClass?: StorageClass
  readonly ServerSideEncryption?: ServerSideEncryption
  readonly SSEKMSKeyId?: string
}

/** What put and begin say of how an object is to be kept. */
export function storedAs({ storageClass, serverSideEncryption }: S3StoreOptions): StoredAs {
  const keyId = serverSideEncryption?.kind === 'aws:kms' ? serverSideEncryption.keyId : undefined
  return {
    // Stores have classes of their own, so the configuration's word is passed on.
    ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
    ...(serverSideEncryption && { ServerSideEncryption: serverSideEncryption.kind }),
    ...(keyId !== undefined && { SSEKMSKeyId: keyId }),
  }
}
