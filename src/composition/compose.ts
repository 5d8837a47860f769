import type { Catalog } from '../catalog/catalog.js'
import { createCatalog } from '../catalog/catalog.js'
import { createLeases, type Leases } from '../catalog/leases.js'
import type { Config, SystemConfig, WalConfig } from '../config/config.js'
import type { LoadedConfig } from '../config/load-config.js'
import { resolveKeyRing } from '../config/resolve-key-ring.js'
import { HoldfastError } from '../domain/errors.js'
import type { BackupId, RepositoryName, SystemName } from '../domain/ids.js'
import type { KeyRing } from '../domain/keys.js'
import type { Manifest } from '../domain/manifest.js'
import type { Engine } from '../engines/engine.js'
import type { WalSource } from '../engines/wal-source.js'
import { createLocalProvisioner } from '../provisioners/local-provisioner.js'
import type { Provisioner } from '../provisioners/provisioner.js'
import { composeEngine, composeWalSource } from './compose-engine.js'
import { composeRepository, repositoryLimits } from './compose-repository.js'
import type { Repository, RepositoryLimits } from './repository.js'
import { composeWalSpool, type WalSpool } from './wal-spool.js'

/**
 * A configuration made ready for use. Everything is made when it is first asked for, so that a secret missing
 * for one repository does not stop the work on the others.
 */
export interface Composition {
  readonly config: Config
  readonly configPath: string
  readonly provisioner: Provisioner
  keys(): Promise<KeyRing>
  /** @throws NOT_FOUND */
  system(name: SystemName): SystemConfig
  engine(name: SystemName): Promise<Engine>
  /** @throws NOT_FOUND, SECRET_MISSING */
  walSource(name: SystemName): Promise<WalSource>
  /** @throws CONFIG_INVALID where the system has no `wal` */
  walConfig(name: SystemName): WalConfig
  walSpool(name: SystemName): WalSpool
  /** @throws NOT_FOUND, SECRET_MISSING */
  repository(name: RepositoryName): Promise<Repository>
  captureRepository(system: SystemName): Promise<Repository>
  /** Without its secrets, so on any host. @throws NOT_FOUND */
  repositoryLimits(name: RepositoryName): RepositoryLimits
  catalog(name: RepositoryName): Promise<Catalog>
  leases(system: SystemName, repository: RepositoryName): Promise<Leases>
  /** From the first repository that has it whole. @throws the last repository's error */
  readManifest(backup: BackupId, repositories: readonly RepositoryName[]): Promise<Manifest>
  compressionLevel(system: SystemName): number
}

/** Clocks of the hosts that use one repository may differ by this much. */
const clockSkewMs = 30_000

/** @param env where `{ env: NAME }` secrets are looked up. */
export async function compose({ config, path }: LoadedConfig, env: NodeJS.ProcessEnv): Promise<Composition> {
  const repositories = new Map<RepositoryName, Promise<Repository>>()
  let keyRing: Promise<KeyRing> | undefined

  // What failed is not kept: a secret that was missing may be there the next time.
  const keys = () => {
    keyRing ??= resolveKeyRing(config, env).catch((error: unknown) => {
      keyRing = undefined
      throw error
    })
    return keyRing
  }
  const repositoryConfig = (name: RepositoryName) => known(config.repositories[name], 'repository', name)
  const repository = async (name: RepositoryName) => {
    const made = repositories.get(name) ?? composeRepository(repositoryConfig(name), env)
    repositories.set(name, made)
    return made.catch((error: unknown) => {
      repositories.delete(name)
      throw error
    })
  }
  const system = (name: SystemName) => known(config.systems[name], 'system', name)
  const walConfig = (name: SystemName) => {
    const { wal } = system(name)
    if (wal !== undefined) return wal
    throw new HoldfastError('CONFIG_INVALID', `the WAL of system ${name} is not archived`, {
      hint: `write wal: { mode: stream, required: […] } below systems.${name}, and restart the workers`,
    })
  }
  const catalog = async (name: RepositoryName) => createCatalog({ store: (await repository(name)).store, keys: await keys() })

  return {
    config,
    configPath: path,
    provisioner: createLocalProvisioner({
      directory: config.instances.directory,
      user: config.instances.user,
      ports: { from: config.instances.ports.first, to: config.instances.ports.last },
      host: config.host,
      now: () => new Date(),
    }),
    keys,
    system,
    engine: (name) => composeEngine(system(name), config, env),
    walSource: (name) => composeWalSource(system(name), config, env),
    walConfig,
    walSpool: (name) => composeWalSpool(walConfig(name)),
    repository,
    repositoryLimits: (name) => repositoryLimits(repositoryConfig(name)),
    captureRepository: (name) => repository(system(name).captureRepository),
    catalog,
    async leases(name, repositoryName) {
      const { store } = await repository(repositoryName)
      return createLeases({
        store,
        system: name,
        now: () => new Date(),
        clockSkewMs: Math.min(clockSkewMs, config.timeouts.leaseMs / 4),
      })
    },
    async readManifest(backup, names) {
      let last: unknown
      for (const name of names) {
        try {
          return await (await catalog(name)).read(backup)
        } catch (error) {
          last = error
        }
      }
      throw last ?? new HoldfastError('NOT_FOUND', `no repository to read ${backup} from`)
    },
    compressionLevel: (name) => system(name).compression.level,
  }
}

function known<T>(value: T | undefined, what: 'system' | 'repository', name: string): T {
  if (value !== undefined) return value
  const several = what === 'system' ? 'systems' : 'repositories'
  throw new HoldfastError('NOT_FOUND', `there is no ${what} "${name}" in the configuration`, {
    hint: `names of ${several} are the keys below \`${several}\` in holdfast.yaml`,
  })
}
