import { open, readFile, rename, rm } from 'node:fs/promises'
import type { z } from 'zod'
import { HoldfastError } from '../../domain/errors.js'
import { hasCode } from '../job-directory.js'

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
