import { dirname, join } from 'node:path'
import type { RepositoryName, SystemName } from '../domain/ids.js'
import { buildRepository } from './build-repository.js'
import { buildSystem } from './build-system.js'
import type { Config } from './config.js'
import { defaultStateDirectory, type HostFacts } from './host-facts.js'
import { createResolvePath, type ResolvePath, resolveReference } from './place.js'
import { mapRecord, optionally, present } from './present.js'
import type { ConfigFile } from './schema.js'

/** Makes a {@link Config} of a valid file: defaults that depend on other keys or on the machine, absolute paths, units in names. */
export function buildConfig(file: ConfigFile, filePath: string, facts: HostFacts): Config {
  const resolvePath = createResolvePath(dirname(filePath), facts.homeDirectory)
  const stateDirectory = resolvePath(file.stateDirectory ?? defaultStateDirectory(facts))
  const host = file.host ?? facts.hostName
  return {
    version: 1,
    host,
    stateDirectory,
    temporal: buildTemporal(file.temporal, resolvePath),
    encryption: buildEncryption(file.encryption, resolvePath),
    instances: {
      directory: resolvePath(file.instances.directory ?? join(stateDirectory, 'instances')),
      user: file.instances.user ?? (facts.userId === 0 ? 'postgres' : facts.userName),
      ports: file.instances.ports,
    },
    tools: { postgres: mapRecord(file.tools.postgres, resolvePath) },
    worker: { bulkSlots: file.worker.bulkSlots, shutdownGraceMs: file.worker.shutdownGrace },
    timeouts: buildTimeouts(file.timeouts),
    // The schema has checked the names' alphabet; a record's keys cannot carry the brand through it.
    repositories: mapRecord(file.repositories, (content, name) =>
      buildRepository(name as RepositoryName, content, { replicationDeadlineMs: file.timeouts.replicationDeadline, resolvePath }),
    ),
    systems: mapRecord(file.systems, (content, name) =>
      buildSystem(name as SystemName, content, { host, stateDirectory, repositories: file.repositories, resolvePath }),
    ),
  }
}

function buildTemporal(file: ConfigFile['temporal'], resolvePath: ResolvePath): Config['temporal'] {
  return present({
    address: file.address,
    namespace: file.namespace,
    apiKey: optionally(file.apiKey, (reference) => resolveReference(reference, resolvePath)),
    tls: optionally(file.tls, (tls) =>
      present({
        caFile: optionally(tls.caFile, resolvePath),
        certFile: optionally(tls.certFile, resolvePath),
        keyFile: optionally(tls.keyFile, resolvePath),
        serverName: tls.serverName,
      }),
    ),
  })
}

function buildEncryption(file: ConfigFile['encryption'], resolvePath: ResolvePath): Config['encryption'] {
  if (file === 'off') return { kind: 'off' }
  const keys = mapRecord(file.keys, (reference) => resolveReference(reference, resolvePath))
  return { kind: 'keys', activeKey: file.activeKey, keys }
}

function buildTimeouts(file: ConfigFile['timeouts']): Config['timeouts'] {
  return {
    heartbeatMs: file.heartbeat,
    leaseMs: file.lease,
    jobPatienceMs: file.jobPatience,
    lightMs: file.light,
    captureMs: file.capture,
    extractMs: file.extract,
    replayMs: file.replay,
    replicationDeadlineMs: file.replicationDeadline,
    retryIntervalMs: file.retryInterval,
    retryMaximumIntervalMs: file.retryMaximumInterval,
  }
}
