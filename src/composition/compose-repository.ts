import type { RepositoryConfig, S3RepositoryConfig, SecretReference } from '../config/config.js'
import { resolveSecret } from '../config/resolve-secret.js'
import { createFilesystemStore } from '../storage/filesystem-store.js'
import type { Store } from '../storage/store.js'
import type { Repository, RepositoryLimits } from './repository.js'

const defaultPartBytes = 8 * 1024 * 1024

/** What a plan needs to know of a repository: from the configuration alone, without its secrets. */
export function repositoryLimits(repository: RepositoryConfig): RepositoryLimits {
  const { replicationDeadlineMs } = repository
  if (repository.store === 'filesystem') return { replicationDeadlineMs, partBytes: defaultPartBytes, partsInFlight: 1 }
  const { partSizeBytes: partBytes = defaultPartBytes, partsInFlight } = repository
  return { replicationDeadlineMs, partBytes, partsInFlight }
}

/** The one place where stores are named. */
export async function composeRepository(repository: RepositoryConfig, env: NodeJS.ProcessEnv): Promise<Repository> {
  const base = { name: repository.name, capture: repository.capture, ...repositoryLimits(repository) }
  switch (repository.store) {
    case 'filesystem':
      return { ...base, store: createFilesystemStore({ root: repository.path }) }
    case 's3':
      return { ...base, store: await s3Store(repository, env) }
  }
}

async function s3Store(repository: S3RepositoryConfig, env: NodeJS.ProcessEnv): Promise<Store> {
  const { bucket, prefix, region, endpoint, forcePathStyle, requestTimeoutMs, storageClass, tls, credentials } = repository
  const reveal = async (reference: SecretReference) => (await resolveSecret(reference, env)).reveal()
  // Loaded where it is needed: the SDK takes a third of a process's start.
  const { createS3Store } = await import('../storage/s3-store.js')
  return createS3Store({
    bucket,
    prefix,
    region,
    forcePathStyle,
    requestTimeoutMs,
    maxAttempts: 3,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(tls === undefined ? {} : { tls }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: await reveal(credentials.accessKeyId),
            secretAccessKey: await reveal(credentials.secretAccessKey),
            ...(credentials.sessionToken === undefined ? {} : { sessionToken: await reveal(credentials.sessionToken) }),
          },
        }),
  })
}
