import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BackupKind, parseBackupId, parseInstanceName, parseSystemName } from '../../src/domain/ids.js'
import type { Instance } from '../../src/domain/instance.js'
import type { Captured, Manifest } from '../../src/domain/manifest.js'
import { tablespacesOf } from '../../src/domain/physical-facts.js'
import type { Engine } from '../../src/engines/engine.js'
import type { PostgresEngineOptions } from '../../src/engines/postgres/options.js'
import { createPostgresEngine } from '../../src/engines/postgres/postgres-engine.js'
import { runProgram } from '../../src/process/run-program.js'
import { createLocalProvisioner } from '../../src/provisioners/local-provisioner.js'
import type { Provisioner } from '../../src/provisioners/provisioner.js'
import { freePort } from '../servers/free-port.js'
import { postgresPrograms, type TestPostgres } from '../servers/postgres.js'

export const instanceName = parseInstanceName('clone')

export function engineFor(server: TestPostgres, changes: Partial<PostgresEngineOptions> = {}): Engine {
  return createPostgresEngine(engineOptions(server, changes))
}

export function engineOptions(server: TestPostgres, changes: Partial<PostgresEngineOptions> = {}): PostgresEngineOptions {
  return {
    hosts: [`127.0.0.1:${server.port}`],
    user: server.user,
    password: server.password,
    database: 'postgres',
    binDirectories: { 15: postgresPrograms(15), 18: postgresPrograms(18) },
    compression: { where: 'auto', level: 1 },
    pollMs: 20,
    connectTimeoutMs: 5_000,
    ...changes,
  }
}

export function manifestOf(captured: Captured, kind: BackupKind = 'full'): Manifest {
  const backup = parseBackupId(`avi5_${kind}_2026-01-10T03-00-00Z`)
  return {
    ...captured,
    formatVersion: 1,
    backup,
    system: parseSystemName('avi5'),
    kind,
    origin: 'captured',
    attempt: 'a1',
    dueAt: '2026-01-10T03:00:00Z',
    compression: 'zstd',
    encryption: { format: 'none' },
    holdfastVersion: '0.0.0',
    requestedBy: 'a test',
    reason: 'to see that it restores',
  }
}

/** A provisioner over a directory of its own. `remove` disposes of everything in it. */
export interface RestorePlace {
  readonly provisioner: Provisioner
  /** @param serverVersion another major version than the original's */
  create(manifest: Manifest, engine: Engine, serverVersion?: string): Promise<Instance>
  remove(): Promise<void>
}

export async function createRestorePlace(): Promise<RestorePlace> {
  const root = await mkdtemp(join(tmpdir(), 'restored-'))
  await runProgram({ program: 'chmod', args: ['0755', root] }, {})
  const from = await freePort(51)
  const provisioner = createLocalProvisioner({
    directory: join(root, 'i'),
    user: 'postgres',
    ports: { from, to: from + 50 },
    host: 'db1',
    now: () => new Date(),
  })
  return {
    provisioner,
    create: async (manifest, engine, serverVersion) =>
      provisioner.create({
        name: instanceName,
        system: manifest.system,
        backup: manifest.backup,
        owner: { workflowId: 'restore/clone', runId: 'run-1' },
        tablespaceOids: tablespacesOf(manifest.facts).map(({ oid }) => oid),
        binDirectory: await engine.binDirectoryFor(manifest.facts, serverVersion),
      }),
    async remove() {
      for (const { name } of await provisioner.list()) await provisioner.dispose(name, AbortSignal.timeout(60_000))
      await rm(root, { recursive: true, force: true })
    },
  }
}
