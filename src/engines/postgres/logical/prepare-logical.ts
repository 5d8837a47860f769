import { buffer } from 'node:stream/consumers'
import { HoldfastError } from '../../../domain/errors.js'
import type { SystemUser } from '../../../process/command.js'
import type { PrepareRequest } from '../../engine.js'
import { instanceFiles } from '../instance-files.js'
import { type Inventory, parseInventory } from '../inventory.js'
import { emptyDirectory, makeOwnedDirectory, ownerOf, writeOwned } from '../owned-files.js'
import { artifactOf, createAmount } from '../prepared-artifacts.js'
import { makeCluster } from './new-cluster.js'
import { withPrivateServer } from './private-server.js'
import { restoreDump } from './restore-dump.js'
import { restoreGlobals } from './restore-globals.js'
import type { RestoreTarget } from './restore-target.js'

/**
 * Makes a new server and fills it from a logical backup. Begins from empty directories, so it can be repeated.
 * @throws HoldfastError ARTIFACT_MISSING, ARTIFACT_DAMAGED, SPACE_SHORT, RECOVERY_FAILED
 */
export async function prepareLogical(request: PrepareRequest, signal: AbortSignal): Promise<void> {
  const { instance, manifest, reader, only } = request
  if (only !== undefined) throw new HoldfastError('NOT_SUPPORTED', 'dumps are restored as a whole by this version')
  const owner = await ownerOf(instance)
  const files = instanceFiles(instance)
  for (const directory of [instance.dataDirectory, files.directory]) await emptyDirectory(directory)
  await makeOwnedDirectory(files.directory, owner)
  const inventory = await storeInventory(request, owner)
  await makeCluster({ instance, manifest, inventory, owner }, signal)
  const target: RestoreTarget = { instance, inventory, owner }
  await withPrivateServer(
    target,
    async () => {
      const refused = await restoreGlobals(target, artifactOf(request.manifest, 'globals'), reader, signal)
      await restoreDumps(request, target, signal)
      await writeOwned(files.refused, JSON.stringify(refused), owner)
    },
    signal,
  )
}

async function storeInventory(request: PrepareRequest, owner: SystemUser): Promise<Inventory> {
  const bytes = await request.reader.read(artifactOf(request.manifest, 'inventory'), buffer)
  await writeOwned(instanceFiles(request.instance).inventory, bytes, owner)
  return parseInventory(bytes.toString('utf8'))
}

async function restoreDumps(request: PrepareRequest, target: RestoreTarget, signal: AbortSignal): Promise<void> {
  const amount = createAmount(request)
  const names = namesOf(target.inventory)
  for (const artifact of request.manifest.artifacts.filter(({ role }) => role === 'dump')) {
    const database = names.get(artifact.database ?? '') ?? artifact.name
    const begin = () => amount.begin(database)
    await restoreDump({ target, artifact, database, reader: request.reader, begin }, signal)
  }
}

function namesOf({ databases, unread }: Inventory): ReadonlyMap<string, string> {
  const all = [...databases, ...unread.map(({ oid, database }) => ({ oid, name: database }))]
  return new Map(all.flatMap(({ oid, name }) => (oid === undefined ? [] : [[oid, name]])))
}
