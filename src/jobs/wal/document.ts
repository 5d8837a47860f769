import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import type { z } from 'zod'
import { HoldfastError } from '../../domain/errors.js'
import { hasCode } from '../job-directory.js'

/**
 * Reads a document again and again: one that has not changed since is what it was, the same value. Moments of files are told
 * in steps of some milliseconds, so what has just been written is not taken for settled yet.
 */
export function documentReader<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): () => Promise<z.output<Schema> | undefined> {
  let known: { readonly version: string; readonly value: z.output<Schema> | undefined } | undefined
  return async () => {
    // Before it is read: what is written in between is another version at the next look.
    const version = await versionOf(path)
    if (version !== undefined && version === known?.version) return known.value
    const value = await readDocument(path, schema)
    known = version === undefined ? undefined : { version, value }
    return value
  }
}

const settledAfterMs = 50

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, mtimeMs } = await stat(path, { bigint: true })
    return Date.now() - Number(mtimeMs) > settledAfterMs ? `${ino} ${size} ${mtimeNs}` : undefined
  } catch {
    // Reading it says what is wrong.
    return undefined
  }
}

/** A small JSON file of the spool. @returns undefined where there is none. @throws LOCAL_IO, also for what is not of its form */
export async function readDocument<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new HoldfastError('LOCAL_IO', `cannot read ${path}`, {
      cause: error,
      hint: 'remove it: it is made anew from the server and the repositories',
    })
  }
}

/** Whole or not at all, and durable: it is read after a crash. */
export async function writeDocument(path: string, value: unknown): Promise<void> {
  // Each document has one writer: what a killed one left is written over.
  const temporary = `${path}.new`
  try {
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify(value))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    const isFull = hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')
    throw new HoldfastError(isFull ? 'SPOOL_SHORT' : 'LOCAL_IO', `cannot write ${path}`, { cause: error })
  }
}
