import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { Manifest } from '../domain/manifest.js'
import { formatBytes } from '../domain/quantity.js'
import { openBackup } from '../jobs/open-backup.js'
import type { RestoreInput } from './restore-activities.js'

/** Replay writes WAL and hint bits: what a restored cluster needs beyond its files. */
const headroom = 1.1

/** @throws SPACE_SHORT, TOOL_MISSING, INSTANCE_EXISTS, KEY_MISSING, NOT_SUPPORTED, NOT_FOUND (a table that is not in the backup) */
export async function preflightRestore(
  composition: Composition,
  { request, choice }: RestoreInput,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const { provisioner } = composition
  const neededBytes = Math.ceil(manifest.facts.dataBytes * headroom)
  const freeBytes = await provisioner.freeBytes()
  if (freeBytes < neededBytes) {
    const directory = composition.config.instances.directory
    const message = `${directory} has ${formatBytes(freeBytes)} free; restoring ${manifest.backup} needs ${formatBytes(neededBytes)}`
    throw new HoldfastError('SPACE_SHORT', message, { hint: 'free space, or set instances.directory to a larger disk' })
  }
  const engine = await composition.engine(request.system)
  await engine.binDirectoryFor(manifest.facts, request.serverVersion)
  await refuseMissingKey(composition, manifest)
  if (request.only === undefined) return
  await engine.checkSelection({ ...(await openBackup(choice, composition, signal)), only: request.only })
}

/** @throws KEY_MISSING */
export async function refuseMissingKey(composition: Composition, manifest: Manifest): Promise<void> {
  const keys = await composition.keys()
  const { keyId } = manifest.encryption
  if (keyId === undefined || keys.find(keyId) !== undefined) return
  throw new HoldfastError('KEY_MISSING', `backup ${manifest.backup} is encrypted with key "${keyId}", which is not configured`)
}
