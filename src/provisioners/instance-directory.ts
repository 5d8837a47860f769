import { createHash } from 'node:crypto'
import { chown, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import { type InstanceName, namePattern } from '../domain/ids.js'
import type { Instance } from '../domain/instance.js'
import { readInstanceFile, syncDirectory, writeInstanceFile } from './instance-file.js'
import type { InstanceSpec } from './provisioner.js'
import { refuseUnreachable } from './reachable.js'
import { type PortRange, releasePorts, reservePort, reservesPort } from './server-port.js'
import type { ServerUser } from './server-user.js'

/** The directory all instances of this machine are in. */
export interface Place {
  readonly directory: string
  readonly ports: PortRange
  readonly host: string
  readonly now: () => Date
  find(name: InstanceName): Promise<Instance | undefined>
}

/**
 * Builds the instance aside, `instance.json` included, and renames it into place: a rename onto a directory that holds
 * something fails, so of two creators one wins, and an instance without its file is never seen.
 */
export async function createInstance(place: Place, spec: InstanceSpec, user: ServerUser): Promise<Instance> {
  const before = await ownInstance(place, spec)
  if (before !== undefined) return before
  await mkdir(place.directory, { recursive: true, mode: 0o755 })
  await refuseUnreachable(place.directory, user)
  const aside = asidePath(place, spec.name, spec.owner)
  await rm(aside, { recursive: true, force: true })
  const port = await reservePort(reservations(place), spec.name, (name) => exists(place, name))
  const instance = describeInstance(place, spec, user, port)
  try {
    await makeDirectories(aside, instance, user)
    await writeInstanceFile(aside, instance)
    await rename(aside, instance.directory)
    await syncDirectory(place.directory)
    return instance
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    await rm(join(portDirectory(place), String(port)), { force: true })
    if (!isTaken(error)) throw error
    const winner = await ownInstance(place, spec)
    if (winner !== undefined) return winner
    throw new HoldfastError('INSTANCE_EXISTS', `${instance.directory} is there already and is not an instance`, {
      hint: 'choose another --name, or move the directory away',
      cause: error,
    })
  }
}

export async function listInstances(place: Place): Promise<Instance[]> {
  const entries = await readdir(place.directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new HoldfastError('LOCAL_IO', `cannot list ${place.directory}`, { cause: error })
  })
  const names = entries.filter((entry) => namePattern.test(entry)).sort()
  const found = await Promise.all(names.map((name) => readInstanceFile(join(place.directory, name))))
  return found.filter((instance) => instance !== undefined)
}

/** Stops and removes an instance and what a broken-off creation left of it. Can be repeated. */
export async function disposeInstance(
  place: Place,
  name: InstanceName,
  stop: (instance: Instance) => Promise<void>,
  owner: Instance['owner'] | undefined,
): Promise<void> {
  const instance = await place.find(name)
  if (instance !== undefined && owner !== undefined && !isSameOwner(instance.owner, owner)) throw takenBy(instance)
  if (instance !== undefined) {
    await stop(instance)
    // Renamed first: a removal that is interrupted must not leave half an instance under its name.
    const doomed = join(place.directory, `.removing-${name}`)
    await rm(doomed, { recursive: true, force: true })
    await rename(instance.directory, doomed)
  }
  for (const entry of await readdir(place.directory).catch(() => [])) {
    const isAside = owner === undefined ? entry.startsWith(`.creating-${name}.`) : entry === asideName(name, owner)
    if (isAside || entry === `.removing-${name}`) await rm(join(place.directory, entry), { recursive: true, force: true })
  }
  await releasePorts(portDirectory(place), name)
}

/** Also of an instance, which has its port. */
export async function hasRemains(place: Place, name: InstanceName): Promise<boolean> {
  const entries = await readdir(place.directory).catch(() => [])
  const isLeft = entries.some((entry) => entry.startsWith(`.creating-${name}.`) || entry === `.removing-${name}`)
  return isLeft || reservesPort(portDirectory(place), name)
}

async function ownInstance(place: Place, spec: InstanceSpec): Promise<Instance | undefined> {
  const found = await place.find(spec.name)
  if (found !== undefined && !isSameOwner(found.owner, spec.owner)) throw takenBy(found)
  return found
}

/** Why nothing else can be made under the name of this instance. */
export function takenBy({ name, state, backup, createdAt, owner }: Instance): HoldfastError {
  const message = `instance ${name} is there already: ${state}, of ${backup}, made ${createdAt}`
  return new HoldfastError('INSTANCE_EXISTS', message, {
    hint: `choose another --name, or remove it with \`holdfast instances drop ${name}\``,
    details: { workflowId: owner.workflowId, runId: owner.runId, state },
  })
}

function describeInstance(place: Place, spec: InstanceSpec, user: ServerUser, port: number): Instance {
  const directory = join(place.directory, spec.name)
  const at = place.now().toISOString()
  const socketDirectory = join(directory, 'run')
  checkSocketPath(join(socketDirectory, `.s.PGSQL.${port}`))
  return {
    version: 1,
    name: spec.name,
    state: 'PROVISIONING',
    system: spec.system,
    backup: spec.backup,
    engine: 'postgres',
    owner: spec.owner,
    host: place.host,
    port,
    directory,
    dataDirectory: join(directory, 'data'),
    socketDirectory,
    logFile: join(directory, 'server.log'),
    tablespaces: Object.fromEntries(spec.tablespaceOids.map((oid) => [oid, join(directory, 'tablespaces', oid)])),
    user: user.name,
    binDirectory: spec.binDirectory,
    createdAt: at,
    updatedAt: at,
  }
}

async function makeDirectories(aside: string, instance: Instance, user: ServerUser): Promise<void> {
  const inside = ['data', 'run', 'tablespaces', ...Object.keys(instance.tablespaces).map((oid) => join('tablespaces', oid))]
  for (const directory of [aside, ...inside.map((name) => join(aside, name))]) {
    await mkdir(directory, { mode: 0o700 })
    if (user.runAs !== undefined) await chown(directory, user.runAs.uid, user.runAs.gid)
  }
}

/** A Unix socket's address has room for 107 bytes. */
function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= 107) return
  throw new HoldfastError('CONFIG_INVALID', `the socket ${path} would have a name longer than 107 bytes`, {
    hint: 'choose a shorter directory for instances, or a shorter name',
  })
}

async function exists(place: Place, name: string): Promise<boolean> {
  const entries = await readdir(place.directory).catch(() => [])
  return entries.some((entry) => entry === name || entry.startsWith(`.creating-${name}.`))
}

function isSameOwner(a: Instance['owner'], b: Instance['owner']): boolean {
  return a.workflowId === b.workflowId && a.runId === b.runId
}

function isTaken(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}

/** One per owner: a repeated attempt clears what its predecessor left, and nobody else's. */
function asideName(name: InstanceName, owner: Instance['owner']): string {
  return `.creating-${name}.${createHash('sha256')
    .update(JSON.stringify([owner.workflowId, owner.runId]))
    .digest('hex')
    .slice(0, 12)}`
}

function asidePath(place: Place, name: InstanceName, owner: Instance['owner']): string {
  return join(place.directory, asideName(name, owner))
}

function portDirectory(place: Place): string {
  return join(place.directory, '.ports')
}

function reservations(place: Place) {
  return { directory: portDirectory(place), range: place.ports }
}
