/** What an S3 store is made of. Timeouts and attempts have no defaults here: they come from the configuration. */
export interface S3StoreOptions {
  readonly bucket: string
  /** Put before every key, with a `/` between: several repositories in one bucket. Leading and trailing `/` do not matter. */
  readonly prefix?: string
  /** Any name will do for stores that have none; `us-east-1` is usual. */
  readonly region: string
  /** URL of a store other than AWS: `https://minio.example:9000`. */
  readonly endpoint?: string
  /** The bucket in the path and not in the host's name: what most stores other than AWS need. */
  readonly forcePathStyle?: boolean
  /** Absent: environment, profile, container or instance role, as the AWS SDK looks for them. */
  readonly credentials?: S3Credentials
  readonly tls?: {
    /** PEM file with certificates to trust besides the well-known ones. */
    readonly caFile?: string
  }
  /** Longest silence: no byte sent or received. Not a limit on a whole request, so that slow lines can move large parts. */
  readonly requestTimeoutMs: number
  /** Tries of one request, the first included. */
  readonly maxAttempts: number
  /** Of new objects, e.g. `STANDARD_IA`. Absent: the bucket's own default. */
  readonly storageClass?: string
  readonly serverSideEncryption?: S3Encryption
}

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type S3Encryption = { readonly kind: 'AES256' } | { readonly kind: 'aws:kms'; readonly keyId?: string }
