import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { Manifest } from '../domain/manifest.js'
import { formatBytes } from '../domain/quantity.js'
import { walFilesAhead } from '../domain/wal-ahead.js'
import { openBackup } from '../jobs/open-backup.js'
import { takenBy } from '../provisioners/instance-directory.js'
import { currentRun } from './current-run.js'
import type { RestoreInput } from './restore-activities.js'

/** Replay writes WAL and hint bits: what a restored cluster needs beyond its files. */
const headroom = 1.1

/**
 * @returns what the operator should know of this host
 * @throws SPACE_SHORT, TOOL_MISSING, INSTANCE_EXISTS, KEY_MISSING, NOT_SUPPORTED, NOT_FOUND (a table that is not in the backup)
 */
export async function preflightRestore(
  composition: Composition,
  { request, choice }: RestoreInput,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<string[]> {
  const { provisioner } = composition
  const taken = await provisioner.find(request.instance)
  if (taken !== undefined && taken.owner.runId !== currentRun().runId) throw takenBy(taken)
  const segmentBytes = choice.recovery?.segmentSizeBytes ?? 0
  const walBytes = segmentBytes === 0 ? 0 : walFilesAhead(segmentBytes) * segmentBytes
  const neededBytes = Math.ceil(manifest.facts.dataBytes * headroom) + walBytes
  const freeBytes = await provisioner.freeBytes()
  if (freeBytes < neededBytes) {
    const directory = composition.config.instances.directory
    const message = `${directory} has ${formatBytes(freeBytes)} free; restoring ${manifest.backup} needs ${formatBytes(neededBytes)}`
    throw new HoldfastError('SPACE_SHORT', message, { hint: 'free space, or set instances.directory to a larger disk' })
  }
  const engine = await composition.engine(request.system)
  const binDirectory = await engine.binDirectoryFor(manifest.facts, request.serverVersion)
  await refuseMissingKey(composition, manifest)
  const { reader } = await openBackup(choice, composition, signal)
  if (request.only !== undefined) await engine.checkSelection({ manifest, reader, only: request.only })
  return engine.checkHost({ manifest, reader, binDirectory }, signal)
}

/** @throws KEY_MISSING */
export async function refuseMissingKey(composition: Composition, manifest: Manifest): Promise<void> {
  const keys = await composition.keys()
  const { keyId } = manifest.encryption
  if (keyId === undefined || keys.find(keyId) !== undefined) return
  throw new HoldfastError('KEY_MISSING', `backup ${manifest.backup} is encrypted with key "${keyId}", which is not configured`)
}
