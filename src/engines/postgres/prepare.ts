import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { HoldfastError } from '../../domain/errors.js'
import type { Artifact, ArtifactRole, Manifest } from '../../domain/manifest.js'
import { physicalFacts } from '../../domain/physical-facts.js'
import type { SystemUser } from '../../process/command.js'
import type { PrepareRequest } from '../engine.js'
import { configure } from './configure.js'
import { extract } from './extract.js'
import { instanceFiles } from './instance-files.js'
import { parseInventory } from './inventory.js'
import { emptyDirectory, linkOwned, makeOwnedDirectory, ownerOf, writeOwned } from './owned-files.js'
import { artifactOf, createAmount } from './prepared-artifacts.js'

/**
 * Extracts a full backup into an instance and configures its recovery. Begins from empty directories, so it can be repeated.
 * @throws HoldfastError ARTIFACT_MISSING, ARTIFACT_DAMAGED, SPACE_SHORT, LOCAL_IO, CONFIG_INVALID (a tablespace without a directory)
 */
export async function prepare(request: PrepareRequest, signal: AbortSignal): Promise<void> {
  const { instance, manifest } = request
  const owner = await ownerOf(instance)
  await clear(request)
  await extractData(request, owner, signal)
  for (const { oid } of physicalFacts(manifest).tablespaces) {
    await linkOwned(join(instance.dataDirectory, 'pg_tblspc', oid), tablespaceDirectory(request, oid), owner)
  }
  await storeDocuments(request, owner, signal)
  const inventory = parseInventory(await readFile(instanceFiles(instance).inventory, 'utf8'))
  const goal = request.recovery === undefined ? {} : { recovery: request.recovery }
  await configure({ instance, manifest, inventory, owner, ...goal }, signal)
}

async function clear({ instance }: PrepareRequest): Promise<void> {
  const directories = [instance.dataDirectory, instanceFiles(instance).directory, ...Object.values(instance.tablespaces)]
  for (const directory of directories) await emptyDirectory(directory)
}

async function extractData(request: PrepareRequest, owner: SystemUser, signal: AbortSignal): Promise<void> {
  const { instance, manifest } = request
  const amount = createAmount({ step: 'extract', totalBytes: storedBytes(manifest), progress: request.progress })
  // A reader that finds damage begins again from another repository: whatever an earlier try wrote is removed.
  const extractInto = (artifact: Artifact, directory: string, exclude: readonly string[]) =>
    request.reader.readCompressed(artifact, async (source) => {
      await emptyDirectory(directory)
      await extract({ source, directory, owner, exclude, onBytes: amount.begin(artifact.name) }, signal)
    })
  // The archive holds links to the original's tablespaces: they must not even exist for a moment.
  const links = physicalFacts(manifest).tablespaces.flatMap(({ oid }) => [`pg_tblspc/${oid}`, `./pg_tblspc/${oid}`])
  await extractInto(artifactOf(request.manifest, 'base'), instance.dataDirectory, links)
  for (const artifact of manifest.artifacts.filter(({ role }) => role === 'tablespace')) {
    await extractInto(artifact, tablespaceDirectory(request, artifact.tablespace ?? ''), [])
  }
  await extractInto(artifactOf(request.manifest, 'wal'), join(instance.dataDirectory, 'pg_wal'), [])
}

/** Of what is extracted: its bytes are counted as they come, compressed. */
function storedBytes({ artifacts }: Manifest): number {
  const extracted: readonly ArtifactRole[] = ['base', 'tablespace', 'wal']
  return artifacts.reduce((sum, { role, sizeBytes }) => sum + (extracted.includes(role) ? sizeBytes : 0), 0)
}

/** PostgreSQL's manifest, the inventory, and configuration files from outside. */
async function storeDocuments(request: PrepareRequest, owner: SystemUser, signal: AbortSignal): Promise<void> {
  const files = instanceFiles(request.instance)
  await makeOwnedDirectory(files.directory, owner)
  const copy = async (role: ArtifactRole, path: string) =>
    writeOwned(path, await request.reader.read(artifactOf(request.manifest, role), buffer), owner)
  await copy('backup-manifest', files.backupManifest)
  await copy('inventory', files.inventory)
  await makeOwnedDirectory(files.outside, owner)
  const configuration = request.manifest.artifacts.find(({ role }) => role === 'configuration')
  if (configuration === undefined) return
  await request.reader.readCompressed(configuration, async (source) => {
    await emptyDirectory(files.outside)
    await extract({ source, directory: files.outside, owner, onBytes: () => {} }, signal)
  })
}

function tablespaceDirectory({ instance }: PrepareRequest, oid: string): string {
  const directory = instance.tablespaces[oid]
  if (directory !== undefined) return directory
  throw new HoldfastError('CONFIG_INVALID', `instance ${instance.name} has no directory for the tablespace ${oid}`)
}
