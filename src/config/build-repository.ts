import type { RepositoryName } from '../domain/ids.js'
import type { RepositoryConfig, S3RepositoryConfig } from './config.js'
import { type ResolvePath, resolveReference } from './place.js'
import { optionally, present } from './present.js'
import type { ConfigFile } from './schema.js'

type RepositoryFile = ConfigFile['repositories'][string]
type S3File = Extract<RepositoryFile, { store: 's3' }>

interface Surroundings {
  readonly replicationDeadlineMs: number
  readonly resolvePath: ResolvePath
}

export function buildRepository(name: RepositoryName, file: RepositoryFile, surroundings: Surroundings): RepositoryConfig {
  const common = {
    name,
    retention: file.retention,
    replicationDeadlineMs: file.replicationDeadline ?? surroundings.replicationDeadlineMs,
  }
  switch (file.store) {
    case 'filesystem':
      return { ...common, store: 'filesystem', path: surroundings.resolvePath(file.path), capture: file.capture }
    case 's3':
      return { ...common, ...buildS3(file, surroundings.resolvePath) }
  }
}

function buildS3(
  file: S3File,
  resolvePath: ResolvePath,
): Omit<S3RepositoryConfig, 'name' | 'retention' | 'replicationDeadlineMs'> {
  return present({
    store: 's3' as const,
    capture: false as const,
    bucket: file.bucket,
    prefix: file.prefix.replace(/\/$/, ''),
    region: file.region,
    endpoint: file.endpoint,
    forcePathStyle: file.forcePathStyle,
    credentials: optionally(file.credentials, ({ accessKeyId, secretAccessKey, sessionToken }) =>
      present({
        accessKeyId: resolveReference(accessKeyId, resolvePath),
        secretAccessKey: resolveReference(secretAccessKey, resolvePath),
        sessionToken: optionally(sessionToken, (reference) => resolveReference(reference, resolvePath)),
      }),
    ),
    tls: optionally(file.tls, ({ caFile }) => ({ caFile: resolvePath(caFile) })),
    storageClass: file.storageClass,
    partSizeBytes: file.partSize,
    partsInFlight: file.partsInFlight,
    requestTimeoutMs: file.requestTimeout,
  })
}
