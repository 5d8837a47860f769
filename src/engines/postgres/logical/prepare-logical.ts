import { buffer } from 'node:stream/consumers'
import type { SystemUser } from '../../../process/command.js'
import type { PrepareRequest } from '../../engine.js'
import { instanceFiles } from '../instance-files.js'
import { type Inventory, parseInventory } from '../inventory.js'
import { emptyDirectory, makeOwnedDirectory, ownerOf, writeOwned } from '../owned-files.js'
import { artifactOf } from '../prepared-artifacts.js'
import { makeLostRoles } from './make-lost-roles.js'
import { makeCluster } from './new-cluster.js'
import { untilEarlierServerEnded, withPrivateServer } from './private-server.js'
import { restoreDumps } from './restore-dumps.js'
import { restoreGlobals } from './restore-globals.js'
import { instanceTarget } from './restore-target.js'

/**
 * Makes a new server and fills it from a logical backup. Begins from empty directories, so it can be repeated.
 * @param jobs connections to restore with, where the form of the dumps allows it
 * @throws HoldfastError ARTIFACT_MISSING, ARTIFACT_DAMAGED, SPACE_SHORT, RECOVERY_FAILED, JOB_LOST, LOCAL_IO
 */
export async function prepareLogical(request: PrepareRequest, jobs: number, signal: AbortSignal): Promise<void> {
  const { instance, manifest, reader } = request
  const owner = await ownerOf(instance)
  const files = instanceFiles(instance)
  await untilEarlierServerEnded(instance, owner, signal)
  for (const directory of [instance.dataDirectory, files.directory]) await emptyDirectory(directory)
  await makeOwnedDirectory(files.directory, owner)
  const inventory = await storeInventory(request, owner)
  const notes = await makeCluster({ instance, manifest, inventory, owner }, signal)
  const target = instanceTarget(instance, inventory, owner)
  const fill = async () => {
    const refused = await restoreGlobals(target, artifactOf(manifest, 'globals'), reader, signal)
    await makeLostRoles(target, signal)
    const passedOver = await restoreDumps({ request, target, jobs }, signal)
    await writeOwned(files.refused, JSON.stringify([...notes, ...refused, ...passedOver]), owner)
  }
  await withPrivateServer({ instance, inventory, owner }, fill, signal)
}

async function storeInventory(request: PrepareRequest, owner: SystemUser): Promise<Inventory> {
  const bytes = await request.reader.read(artifactOf(request.manifest, 'inventory'), buffer)
  await writeOwned(instanceFiles(request.instance).inventory, bytes, owner)
  return parseInventory(bytes.toString('utf8'))
}
