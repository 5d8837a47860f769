import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { HoldfastError } from '../domain/errors.js'
import { parseBackupId, parseInstanceName, parseSystemName } from '../domain/ids.js'
import type { Instance } from '../domain/instance.js'

const states = ['PROVISIONING', 'RESTORING', 'REPLAYING', 'RUNNING', 'FAILED', 'DISPOSED'] as const

const absolutePath = z.string().startsWith('/')

const instanceSchema = z.object({
  version: z.literal(1),
  name: z.string().transform(parseInstanceName),
  state: z.enum(states),
  system: z.string().transform(parseSystemName),
  backup: z.string().transform(parseBackupId),
  engine: z.literal('postgres'),
  owner: z.object({ workflowId: z.string(), runId: z.string() }),
  host: z.string(),
  port: z.number().int().min(1).max(65535),
  directory: absolutePath,
  dataDirectory: absolutePath,
  socketDirectory: absolutePath,
  logFile: absolutePath,
  tablespaces: z.record(z.string().regex(/^\d+$/), absolutePath),
  user: z.string().min(1),
  binDirectory: absolutePath,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  timeline: z.number().int().positive().exactOptional(),
  login: z.object({ user: z.string(), database: z.string() }).exactOptional(),
  failure: z.string().exactOptional(),
})

/** Path of the file that says what an instance is. */
export function instanceFilePath(instanceDirectory: string): string {
  return join(instanceDirectory, 'instance.json')
}

/** @returns undefined where there is no such file. @throws HoldfastError LOCAL_IO where it cannot be understood. */
export async function readInstanceFile(instanceDirectory: string): Promise<Instance | undefined> {
  const path = instanceFilePath(instanceDirectory)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new HoldfastError('LOCAL_IO', `cannot read ${path}`, { cause: error })
  }
  return parseInstance(text, path)
}

/** Replaces the file at once and makes it durable, so that a crash leaves the old or the new one. */
export async function writeInstanceFile(instanceDirectory: string, instance: Instance): Promise<void> {
  const path = instanceFilePath(instanceDirectory)
  const temporary = `${path}.${randomUUID()}`
  try {
    const file = await open(temporary, 'wx', 0o644)
    try {
      await file.writeFile(`${JSON.stringify(instance, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw new HoldfastError('LOCAL_IO', `cannot write ${path}`, { cause: error })
  }
}

/** A rename survives a power cut only when the directory that holds the name was synced too. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function parseInstance(text: string, path: string): Instance {
  try {
    return instanceSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new HoldfastError('LOCAL_IO', `${path} does not describe an instance`, {
      hint: 'the file was damaged or written by another version; stop its server if it runs, and move its directory away',
      cause: error,
    })
  }
}
