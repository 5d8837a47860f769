import { lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import type { InstanceName } from '../domain/ids.js'

export interface PortRange {
  readonly from: number
  readonly to: number
}

interface Reservations {
  /** Holds one link per reserved port, named by it, that leads to the instance's name: a file could be seen empty, by a crash for ever. */
  readonly directory: string
  readonly range: PortRange
}

/**
 * Chooses a port that nothing listens on and no other instance has, and reserves it. A stopped instance keeps its port.
 * Creating the reservation's link is what excludes others: two instances made at once cannot choose the same.
 * @throws HoldfastError LOCAL_IO when the range is used up
 */
export async function reservePort(
  reservations: Reservations,
  name: InstanceName,
  isAlive: (name: string) => Promise<boolean>,
): Promise<number> {
  await mkdir(reservations.directory, { recursive: true, mode: 0o755 })
  for (let port = reservations.range.from; port <= reservations.range.to; port += 1) {
    const path = join(reservations.directory, String(port))
    await dropStaleReservation(path, isAlive)
    if (!(await reserve(path, name))) continue
    if (await canListen(port)) return port
    await rm(path, { force: true })
  }
  const { from, to } = reservations.range
  throw new HoldfastError('LOCAL_IO', `no port between ${from} and ${to} is free for instance ${name}`, {
    hint: 'drop instances that are not needed, or widen the range of ports in the configuration',
  })
}

export async function reservesPort(directory: string, name: InstanceName): Promise<boolean> {
  return (await portsOf(directory, name)).length > 0
}

/** Gives back every port an instance reserved. */
export async function releasePorts(directory: string, name: InstanceName): Promise<void> {
  for (const path of await portsOf(directory, name)) await rm(path, { force: true })
}

async function portsOf(directory: string, name: InstanceName): Promise<string[]> {
  const paths = (await readdir(directory).catch(() => [])).map((port) => join(directory, port))
  const names = await Promise.all(paths.map((path) => readlink(path).catch(() => '')))
  return paths.filter((_, index) => names[index] === name)
}

const staleAfterMs = 10 * 60 * 1000

/** A creation that crashed leaves a reservation behind; one under way is young. */
async function dropStaleReservation(path: string, isAlive: (name: string) => Promise<boolean>): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || Date.now() - found.mtimeMs < staleAfterMs) return
  const name = await readlink(path).catch(() => '')
  if (!(await isAlive(name))) await rm(path, { force: true })
}

async function reserve(path: string, name: InstanceName): Promise<boolean> {
  try {
    await symlink(name, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
