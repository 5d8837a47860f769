import { join } from 'node:path'
import type { RepositoryName, SystemName } from '../domain/ids.js'
import type { KindConfig, PostgresConnectionConfig, SystemConfig, WalConfig } from './config.js'
import { type ResolvePath, resolveReference } from './place.js'
import { optionally, present } from './present.js'
import type { ConfigFile } from './schema.js'

type SystemFile = ConfigFile['systems'][string]
type KindFile = Pick<NonNullable<SystemFile['kinds']['full']>, 'repositories'>

interface Surroundings {
  readonly host: string
  readonly stateDirectory: string
  readonly repositories: ConfigFile['repositories']
  readonly resolvePath: ResolvePath
}

export function buildSystem(name: SystemName, file: SystemFile, surroundings: Surroundings): SystemConfig {
  const repositories = file.repositories as RepositoryName[]
  const wal = buildWal(name, file, surroundings)
  return {
    engine: 'postgres',
    name,
    host: file.host ?? surroundings.host,
    connection: buildConnection(file.connection, surroundings.resolvePath),
    repositories,
    captureRepository: captureRepositoryOf(repositories, surroundings.repositories),
    kinds: present({
      full: buildKind(file.kinds.full, repositories),
      incremental: buildKind(file.kinds.incremental, repositories),
      differential: buildKind(file.kinds.differential, repositories),
      logical: optionally(file.kinds.logical, (logical) =>
        present({ ...kindOf(logical, repositories), databases: logical.databases, jobs: logical.jobs }),
      ),
    }),
    ...(wal === undefined ? {} : { wal }),
    objectives: present({ rpoMs: file.objectives.rpo, rtoMs: file.objectives.rto, backupWindowMs: file.objectives.backupWindow }),
    compression: { where: file.compression.where, level: file.compression.level ?? file.limits.compressionLevel ?? 1 },
    limits: present({ maxRateBytesPerSecond: file.limits.maxRate, uploadRateBytesPerSecond: file.limits.uploadRate }),
    hooks: file.hooks,
  }
}

/** A third of the promise, so that one that takes long, and a look that fails, do not break it. */
const marksPerObjective = 3
const [shortestMarkMs, longestMarkMs] = [1_000, 60_000]

function buildWal(name: SystemName, file: SystemFile, surroundings: Surroundings): WalConfig | undefined {
  return optionally(file.wal, ({ mode, required, spool }) => ({
    mode,
    required: required as RepositoryName[],
    spoolDirectory: join(
      spool.directory === undefined ? join(surroundings.stateDirectory, 'wal') : surroundings.resolvePath(spool.directory),
      name,
    ),
    spoolMaximumBytes: spool.maxSize,
    markIntervalMs: Math.min(
      longestMarkMs,
      Math.max(shortestMarkMs, (file.objectives.rpo ?? longestMarkMs * marksPerObjective) / marksPerObjective),
    ),
  }))
}

function buildConnection(file: SystemFile['connection'], resolvePath: ResolvePath): PostgresConnectionConfig {
  return present({
    hosts: file.hosts,
    user: file.user,
    password: optionally(file.password, (reference) => resolveReference(reference, resolvePath)),
    database: file.database,
    connectTimeoutMs: file.connectTimeout,
    tls: present({
      mode: file.tls.mode,
      caFile: optionally(file.tls.caFile, resolvePath),
      certFile: optionally(file.tls.certFile, resolvePath),
      keyFile: optionally(file.tls.keyFile, resolvePath),
    }),
  })
}

function buildKind(kind: KindFile | undefined, repositories: readonly RepositoryName[]): KindConfig | undefined {
  return optionally(kind, (known) => kindOf(known, repositories))
}

function kindOf(kind: KindFile, repositories: readonly RepositoryName[]): KindConfig {
  return { repositories: (kind.repositories as RepositoryName[] | undefined) ?? repositories }
}

/** There is exactly one: anything else was reported as a contradiction before. */
function captureRepositoryOf(names: readonly RepositoryName[], repositories: ConfigFile['repositories']): RepositoryName {
  const found = names.find((name) => repositories[name]?.capture === true)
  if (found === undefined) throw new TypeError('a system without a capture repository passed validation')
  return found
}
