import { readdir } from 'node:fs/promises'
import type { Composition } from '../composition/compose.js'
import { toHoldfastError } from '../domain/errors.js'
import { type InstanceName, namePattern, parseInstanceName } from '../domain/ids.js'
import type { Instance } from '../domain/instance.js'

/** What `instance.json` says and whether the server's process is there; or why the file cannot be read. */
export type InstanceSeen =
  | (Instance & { readonly running: boolean })
  | { readonly name: InstanceName; readonly running: false; readonly problem: string }

/** The instances of this host by name. One whose file is damaged does not hide the others. */
export async function seeInstances({ config, provisioner }: Composition): Promise<InstanceSeen[]> {
  const entries = await readdir(config.instances.directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const names = entries
    .filter((entry) => namePattern.test(entry))
    .toSorted()
    .map(parseInstanceName)
  const seen = await Promise.all(names.map((name) => see(provisioner, name)))
  return seen.filter((instance) => instance !== undefined)
}

async function see(provisioner: Composition['provisioner'], name: InstanceName): Promise<InstanceSeen | undefined> {
  try {
    const instance = await provisioner.find(name)
    return instance && { ...instance, running: await provisioner.isRunning(instance) }
  } catch (error) {
    return { name, running: false, problem: toHoldfastError(error).message }
  }
}
