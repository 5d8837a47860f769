import type { Artifact } from '../../../domain/manifest.js'
import type { PrepareRequest } from '../../engine.js'
import type { Inventory } from '../inventory.js'
import { createAmount } from '../prepared-artifacts.js'
import { isDirectory, openArchive } from './archive.js'
import { restoreDump, sameDatabase } from './restore-dump.js'
import type { RestoreTarget } from './restore-target.js'
import { type DatabaseSelection, resolveSelection } from './selection.js'

interface Restores {
  readonly request: PrepareRequest
  readonly target: RestoreTarget
  readonly jobs: number
}

/** Restores one dump after the other; of a selection those alone that have any of it. @returns errors passed over */
export async function restoreDumps({ request, target, jobs }: Restores, signal: AbortSignal): Promise<string[]> {
  const { manifest, reader, only } = request
  const chosen = chooseDumps(manifest.artifacts, target.inventory, only)
  // A directory is unpacked from its stored bytes; what pg_restore reads from us is counted as it reads it.
  const storedBytes = chosen.reduce((sum, { artifact }) => sum + artifact.sizeBytes, 0)
  const totalBytes = isDirectory(manifest) ? storedBytes : manifest.facts.dataBytes
  const amount = createAmount({ step: 'extract', totalBytes, progress: request.progress })
  const passedOver: string[] = []
  for (const { artifact, database, selection } of chosen) {
    const source = { artifact, reader, begin: () => amount.begin(database) }
    const archive = await openArchive(source, manifest, target, jobs, signal)
    passedOver.push(...(await restoreDump({ target, archive, database, into: sameDatabase(database), ...selection }, signal)))
  }
  return passedOver
}

interface ChosenDump {
  readonly artifact: Artifact
  readonly database: string
  readonly selection: { readonly selection?: DatabaseSelection }
}

function chooseDumps(artifacts: readonly Artifact[], inventory: Inventory, only: readonly string[] | undefined): ChosenDump[] {
  const names = namesOf(inventory)
  const selections = only === undefined ? undefined : resolveSelection(inventory, only)
  return artifacts.flatMap((artifact) => {
    if (artifact.role !== 'dump') return []
    const database = names.get(artifact.database ?? '') ?? artifact.name
    if (selections === undefined) return [{ artifact, database, selection: {} }]
    const selection = selections.find((candidate) => candidate.database.oid === artifact.database)
    return selection === undefined ? [] : [{ artifact, database, selection: { selection } }]
  })
}

function namesOf({ databases, unread }: Inventory): ReadonlyMap<string, string> {
  const all = [...databases, ...unread.map(({ oid, database }) => ({ oid, name: database }))]
  return new Map(all.flatMap(({ oid, name }) => (oid === undefined ? [] : [[oid, name]])))
}
