import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import type { InstanceName } from '../domain/ids.js'
import type { Instance } from '../domain/instance.js'
import { endLeftProcesses, isServerRunning } from '../process/server-process.js'
import { createInstance, disposeInstance, hasRemains, listInstances, type Place } from './instance-directory.js'
import { readInstanceFile, writeInstanceFile } from './instance-file.js'
import type { Provisioner } from './provisioner.js'
import { startServer, stopServer } from './server-control.js'
import { findServerUser } from './server-user.js'

/** Where and how instances live on this machine. */
export interface LocalProvisionerOptions {
  /** Absolute. Made if it is not there; the servers' user must be able to enter it. */
  readonly directory: string
  /** Unprivileged operating-system user the servers run as. Used only when we are root; else they run as we do. */
  readonly user: string
  /** Inclusive range the servers' ports come from. */
  readonly ports: { readonly from: number; readonly to: number }
  /** Name of this machine, as recorded in instances. */
  readonly host: string
  readonly now: () => Date
}

/**
 * Runs restored servers on this machine: `<directory>/<name>/{instance.json,data,tablespaces/<oid>,run,server.log}`.
 * Servers are detached: they outlive the process that started them.
 */
export function createLocalProvisioner(options: LocalProvisionerOptions): Provisioner {
  const place: Place = { ...options, find: (name) => readInstanceFile(join(options.directory, name)) }

  return {
    create: async (spec) => createInstance(place, spec, await findServerUser(options.user)),
    find: (name) => place.find(name),
    hasRemains: (name) => hasRemains(place, name),
    list: () => listInstances(place),

    async setState(name, state, facts = {}) {
      const current = await existing(place, name)
      const next: Instance = { ...current, ...facts, state, updatedAt: options.now().toISOString() }
      await writeInstanceFile(current.directory, next)
      return next
    },

    async start(instance, signal) {
      await startServer(instance, (await findServerUser(instance.user)).runAs, signal)
    },

    isRunning: (instance) => isServerRunning(instance.dataDirectory),

    async stop(instance, signal) {
      await stopServer(instance, (await findServerUser(instance.user)).runAs, signal)
    },

    async dispose(name, signal, owner) {
      const stop = async (instance: Instance) => {
        const { runAs } = await findServerUser(instance.user)
        await stopServer(instance, runAs, signal)
        await endLeftProcesses(instance, runAs, signal)
      }
      await disposeInstance(place, name, stop, owner)
    },

    async freeBytes() {
      const { bavail, bsize } = await statfsOfNearest(options.directory)
      return bavail * bsize
    },
  }
}

async function existing(place: Place, name: InstanceName): Promise<Instance> {
  const instance = await place.find(name)
  if (instance !== undefined) return instance
  throw new HoldfastError('NOT_FOUND', `there is no instance ${name} below ${place.directory}`, {
    hint: '`holdfast instances ls` shows what is there',
  })
}

/** The directory itself is made with its first instance; until then its parent tells. */
async function statfsOfNearest(directory: string) {
  for (let path = directory; ; path = join(path, '..')) {
    try {
      return await statfs(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw error
    }
  }
}
