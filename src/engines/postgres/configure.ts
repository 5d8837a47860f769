import { access, copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Instance } from '../../domain/instance.js'
import type { Manifest } from '../../domain/manifest.js'
import { physicalFacts } from '../../domain/physical-facts.js'
import type { Recovery } from '../../domain/plan-recovery.js'
import type { SystemUser } from '../../process/command.js'
import { runProgram } from '../../process/run-program.js'
import { hostAccessFile } from './host-access-file.js'
import { instanceFiles } from './instance-files.js'
import type { Inventory } from './inventory.js'
import { hadOutsideSettings } from './outside-settings.js'
import { makeOwnedDirectory, writeOwned } from './owned-files.js'
import { autoConfiguration, generatedConfiguration } from './settings.js'
import { makeWalDelivery } from './wal-delivery.js'

interface Configuration {
  readonly instance: Instance
  readonly manifest: Manifest
  readonly inventory: Inventory
  readonly owner: SystemUser
  /** From the archive; to the backup's end where left out. */
  readonly recovery?: Recovery
}

/**
 * Makes the extracted data directory a server of its own: other port and socket, no archiving, recovery to its target.
 * Files of the backup that change are kept as they were, so that they can still be checked against PostgreSQL's manifest.
 */
export async function configure(configuration: Configuration, signal: AbortSignal): Promise<void> {
  const { instance, inventory, owner } = configuration
  const files = instanceFiles(instance)
  await makeOwnedDirectory(files.originals, owner)
  await writeOwned(
    files.hostAccess,
    hostAccessFile(await originalText(configuration, 'pg_hba.conf', inventory.paths.hbaFile)),
    owner,
  )
  await writeOwned(files.userMaps, (await originalText(configuration, 'pg_ident.conf', inventory.paths.identFile)) ?? '', owner)
  await replace(configuration, 'tablespace_map', tablespaceMap(configuration))
  await replace(configuration, 'postgresql.auto.conf', await newAutoConfiguration(configuration, signal))
  if ((await hadOutsideSettings(files.outside, inventory.paths)) || !(await canBeRead(configuration, signal))) {
    await replace(configuration, 'postgresql.conf', generatedConfiguration(inventory))
  }
  if (configuration.recovery !== undefined) await makeWalDelivery(instance, owner)
  // A backup of a standby holds it, and it wins: the server would wait for more for ever.
  await rm(join(instance.dataDirectory, 'standby.signal'), { force: true })
  await writeOwned(join(instance.dataDirectory, 'recovery.signal'), '', owner)
}

/** A file of the data directory, or the one the original used outside of it. */
async function originalText(
  { instance }: Configuration,
  name: string,
  usedPath: string | undefined,
): Promise<string | undefined> {
  const outside = usedPath === undefined ? [] : [join(instanceFiles(instance).outside, usedPath)]
  for (const path of [...outside, join(instance.dataDirectory, name)]) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  return undefined
}

/** `undefined`: the file is not needed. */
async function replace({ instance, owner }: Configuration, name: string, content: string | undefined): Promise<void> {
  if (content === undefined) return
  const path = join(instance.dataDirectory, name)
  if (await exists(path)) await copyFile(path, join(instanceFiles(instance).originals, name))
  await writeOwned(path, content, owner)
}

/** At its start the server makes the links in pg_tblspc anew from this file, so it has to say where they point now. */
function tablespaceMap({ instance, manifest }: Configuration): string | undefined {
  const { tablespaces } = physicalFacts(manifest)
  if (tablespaces.length === 0) return undefined
  const escaped = (path: string) => path.replace(/[\n\r\\]/g, '\\$&')
  return tablespaces.map(({ oid }) => `${oid} ${escaped(instance.tablespaces[oid] ?? '')}\n`).join('')
}

async function newAutoConfiguration(configuration: Configuration, signal: AbortSignal): Promise<string> {
  const { instance, inventory, owner, recovery } = configuration
  const command = {
    program: join(instance.binDirectory, 'pg_controldata'),
    args: [instance.dataDirectory],
    cwd: '/',
    runAs: owner,
  }
  const { stdout: controlData } = await runProgram(command, { signal })
  const original = (await originalText(configuration, 'postgresql.auto.conf', undefined)) ?? ''
  return autoConfiguration({ instance, inventory, controlData, original, ...(recovery === undefined ? {} : { recovery }) })
}

/**
 * Does the server understand its own postgresql.conf here? It may not be there (Debian keeps it in /etc), or include files of
 * the original machine. One that names a data directory names the original's: started with it, the original would come up.
 */
async function canBeRead({ instance, owner }: Configuration, signal: AbortSignal): Promise<boolean> {
  if (!(await exists(join(instance.dataDirectory, 'postgresql.conf')))) return false
  const args = ['-D', instance.dataDirectory, '-C', 'data_directory']
  try {
    const command = { program: join(instance.binDirectory, 'postgres'), args, cwd: '/', runAs: owner }
    const { stdout } = await runProgram(command, { signal })
    return stdout.trim() === instance.dataDirectory
  } catch {
    signal.throwIfAborted()
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
