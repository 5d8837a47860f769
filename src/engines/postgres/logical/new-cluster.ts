import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../../../domain/errors.js'
import type { Instance } from '../../../domain/instance.js'
import type { Manifest } from '../../../domain/manifest.js'
import type { SystemUser } from '../../../process/command.js'
import { runProgram } from '../../../process/run-program.js'
import { instanceFiles } from '../instance-files.js'
import type { Inventory } from '../inventory.js'
import { writeOwned } from '../owned-files.js'
import { newServerConfiguration } from '../settings.js'
import { choosePreload } from './choose-preload.js'

interface NewCluster {
  readonly instance: Instance
  readonly manifest: Manifest
  readonly inventory: Inventory
  readonly owner: SystemUser
}

/**
 * Makes an empty server in the instance's data directory, with the original's superuser, encoding and sort order.
 * @returns what the operator should know
 * @throws HoldfastError RECOVERY_FAILED with what initdb says, e.g. of a locale this machine does not have
 */
export async function makeCluster({ instance, manifest, inventory, owner }: NewCluster, signal: AbortSignal): Promise<string[]> {
  const program = join(instance.binDirectory, 'initdb')
  const args = [
    `--pgdata=${instance.dataDirectory}`,
    `--username=${inventory.superuser}`,
    '--auth=reject',
    // What is written meanwhile is synced as a whole at the end.
    '--no-sync',
    ...localeArgs(inventory),
    ...(await checksumArgs(program, manifest, signal)),
  ]
  await runProgram({ program, args, cwd: '/', runAs: owner }, { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    const said = error instanceof Error ? error.message : String(error)
    throw new HoldfastError('RECOVERY_FAILED', `no server could be made for instance ${instance.name}: ${said}`, {
      cause: error,
      hint: 'where it is a locale that is missing, generate it on this machine (locale-gen)',
    })
  })
  await chmod(instance.dataDirectory, 0o700)
  const files = instanceFiles(instance)
  await writeOwned(files.hostAccess, hostAccess, owner)
  await writeOwned(files.userMaps, '', owner)
  const major = Number.parseInt(await readFile(join(instance.dataDirectory, 'PG_VERSION'), 'utf8'), 10)
  const preload = await choosePreload(inventory, instance.binDirectory, signal)
  const settings = newServerConfiguration(instance, major, preload.settings)
  await writeOwned(join(instance.dataDirectory, 'postgresql.auto.conf'), settings, owner)
  return preload.absent.map((name) => `the library ${name}, which the original loads at its start, is not on this host`)
}

/** As `host-access-file.ts` has it, without lines of the original: dumps do not hold them. `md5` takes SCRAM passwords too. */
const hostAccess = `# Written by Holdfast for a restored server.
local all all trust
host all all 127.0.0.1/32 md5
host all all ::1/128 md5
`

function localeArgs({ defaults }: Inventory): string[] {
  if (defaults === undefined) return []
  return [`--encoding=${defaults.encoding}`, `--lc-collate=${defaults.collate}`, `--lc-ctype=${defaults.ctype}`]
}

/** On from 18 on unless told otherwise; before, there is no way to tell. */
async function checksumArgs(program: string, { facts }: Manifest, signal: AbortSignal): Promise<string[]> {
  if (facts.dataChecksums) return ['--data-checksums']
  const { stdout } = await runProgram({ program, args: ['--help'] }, { signal })
  return stdout.includes('--no-data-checksums') ? ['--no-data-checksums'] : []
}
