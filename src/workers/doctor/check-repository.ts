import { randomUUID } from 'node:crypto'
import type { Composition } from '../../composition/compose.js'
import type { FilesystemRepositoryConfig } from '../../config/config.js'
import { parseObjectKey, type RepositoryName } from '../../domain/ids.js'
import type { Store, StoreCapabilities } from '../../storage/store.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'
import { freeSpace } from './free-space.js'

/** Reaches a store, writes and removes small objects, names what it cannot do and what that costs. */
export async function checkRepository(
  composition: Composition,
  name: RepositoryName,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const subject = `repository ${name}`
  const { config } = composition
  const described = config.repositories[name]
  const elsewhere = described?.store === 'filesystem' ? hostElsewhere(composition, name) : undefined
  if (elsewhere !== undefined) return [ok(subject, `a directory on ${elsewhere}; look at it from there`)]
  const { store } = await composition.repository(name)
  const made = (await store.makeRoot?.()) === 'made'
  const capabilities = await store.probe({ signal })
  return [
    ...(made ? [newRoot(subject, store)] : []),
    ok(subject, `${store.description} can be written, read and deleted`),
    ...(described?.store === 'filesystem' ? [await spaceFinding(subject, described)] : s3Findings(subject, capabilities)),
    ...(described?.store === 's3' ? [await clockFinding(subject, store, signal)] : []),
  ]
}

/** Backups make no directory: this one may hide that a file system is not mounted. */
function newRoot(subject: string, { description }: Store): DoctorFinding {
  return warning(
    subject,
    `${description} was not there; it has been made`,
    `good for a new repository; where it held backups, mount its file system: \`rmdir ${description}\` first`,
  )
}

/** A directory belongs to the hosts of the systems that use it. */
function hostElsewhere({ config }: Composition, name: RepositoryName): string | undefined {
  const hosts = Object.values(config.systems)
    .filter(({ repositories }) => repositories.includes(name))
    .map(({ host }) => host)
  return hosts.length === 0 || hosts.includes(config.host) ? undefined : hosts.join(', ')
}

async function spaceFinding(subject: string, { path }: FilesystemRepositoryConfig): Promise<DoctorFinding> {
  return ok(subject, await freeSpace(path))
}

function s3Findings(subject: string, capabilities: StoreCapabilities): DoctorFinding[] {
  const costs = costsOf(capabilities).map(([message, hint]) => warning(subject, message, hint))
  const { versioning, objectLock } = capabilities
  const guards = [...(versioning ? ['versioning'] : []), ...(objectLock ? ['object lock'] : [])]
  const guarded =
    guards.length === 0
      ? warning(
          subject,
          'no versioning, no object lock: whoever has these credentials can remove backups for good',
          'switch versioning on at the bucket, and give these credentials no right to delete versions; or keep another copy elsewhere',
        )
      : ok(subject, `${guards.join(' and ')} on: what is removed or replaced can be brought back`)
  return [...costs, guarded]
}

function costsOf({ conditionalPut, multipart, fullObjectCrc32 }: StoreCapabilities): [string, string][] {
  const costs: [boolean, string, string][] = [
    [
      conditionalPut,
      'no conditional writes: two that commit one backup at once would not notice each other',
      'let one control plane alone use this bucket',
    ],
    [
      multipart,
      'no multipart uploads: large artifacts cannot be stored, and an upload cannot be resumed',
      'use another store for large systems',
    ],
    [
      fullObjectCrc32,
      'no CRC-32 of whole objects: every copy is read back to be verified, which costs time and traffic',
      'nothing to be done; a newer version of the store may have it',
    ],
  ]
  return costs.filter(([can]) => !can).map(([, message, hint]) => [message, hint])
}

const tolerableSkewMs = 30_000

/** Leases end by the clock: hosts and stores far apart would disagree on who holds one. */
async function clockFinding(subject: string, store: Store, signal: AbortSignal): Promise<DoctorFinding> {
  const key = parseObjectKey(`_holdfast/probe/${randomUUID()}`)
  const before = Date.now()
  await store.put(key, Buffer.from('what time is it'), { ifAbsent: false, signal })
  const after = Date.now()
  const info = await store.head(key, { signal })
  const [removed] = await store.delete([key], { signal })
  if (removed?.outcome === 'failed') {
    return failed(
      subject,
      'STORE_DENIED',
      `a probe could not be removed: ${removed.message}`,
      'allow deletion to these credentials',
    )
  }
  if (info === undefined) {
    return failed(
      subject,
      'STORE_INCAPABLE',
      'an object was not there right after it was written',
      'use a strongly consistent store',
    )
  }
  // Stores tell whole seconds.
  const skewMs = Math.round(info.modifiedAt.getTime() + 500 - (before + after) / 2)
  const message = `its clock differs from ours by about ${(skewMs / 1000).toFixed(1)} s`
  return Math.abs(skewMs) <= tolerableSkewMs ? ok(subject, message) : warning(subject, message, 'synchronise the clocks')
}
