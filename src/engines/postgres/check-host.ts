import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { HoldfastError } from '../../domain/errors.js'
import { runProgram } from '../../process/run-program.js'
import type { HostRequest } from '../engine.js'
import { type Inventory, parseInventory } from './inventory.js'
import { installationDirectories, missingFiles, missingLibraries, preloadedLibraries } from './preloaded-libraries.js'
import { artifactOf } from './prepared-artifacts.js'

/**
 * Can this host run what was captured? Asked before anything large is fetched, from what the inventory knows: libraries the server loads
 * at its start, without which it would not; extensions and sort orders, without which some of it is of no use.
 * @returns what the operator should know
 * @throws HoldfastError TOOL_MISSING naming the libraries
 */
export async function checkHost({ manifest, reader, binDirectory }: HostRequest, signal: AbortSignal): Promise<string[]> {
  if ('dumps' in manifest.facts) return []
  const inventory = parseInventory(await reader.read(artifactOf(manifest, 'inventory'), text))
  const directories = await installationDirectories(binDirectory, signal)
  if (directories === undefined) return [`${binDirectory} has no pg_config: libraries and extensions were not looked for`]
  const libraries = await missingLibraries(preloadedLibraries(inventory), directories)
  if (libraries.length > 0) {
    const message = `the server loads ${libraries.join(', ')} at its start, which this host does not have in ${directories.libraries}`
    throw new HoldfastError('TOOL_MISSING', message, {
      hint: `install the packages they are in, for the server in ${binDirectory}`,
    })
  }
  const extensions = new Set(inventory.databases.flatMap((database) => database.extensions.map(({ name }) => name)))
  const absent = await missingFiles([...extensions], (name) => join(directories.share, 'extension', `${name}.control`))
  return [
    ...(absent.length === 0 ? [] : [`this host does not have the extensions ${absent.join(', ')}: what needs them will fail`]),
    ...(await sortOrders(inventory, signal)),
  ]
}

/** Versions of glibc's rules are those of glibc; of ICU's only the server knows, and its check tells. */
async function sortOrders({ databases }: Inventory, signal: AbortSignal): Promise<string[]> {
  const known = new Set(databases.flatMap(({ collationVersion }) => collationVersion ?? []))
  const ofLibrary = [...known].filter((version) => /^2\.\d+$/.test(version))
  if (ofLibrary.length === 0) return []
  const here = await libraryVersion(signal)
  const others = ofLibrary.filter((version) => here !== undefined && version !== here)
  if (others.length === 0) return []
  return [
    `text was sorted by glibc ${others.join(' and ')}, and this host has ${here}: text indexes may have to be rebuilt (REINDEX)`,
  ]
}

async function libraryVersion(signal: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await runProgram({ program: 'getconf', args: ['GNU_LIBC_VERSION'], cwd: '/' }, { signal })
    return /glibc (\S+)/.exec(stdout)?.[1]
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
