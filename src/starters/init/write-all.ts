import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HoldfastError } from '../../domain/errors.js'

export interface WritePlan {
  /** Made with 0700, with those above them; one that is there stays as it is. */
  readonly directories: readonly string[]
  /** Made with 0600, in this order. None may be there. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
}

/**
 * Makes all of it or nothing: each file appears whole, and what was made goes again when a later step fails or the signal comes.
 * @throws ALREADY_EXISTS, LOCAL_IO, the signal's reason
 */
export async function writeAll({ directories, files }: WritePlan, signal: AbortSignal): Promise<void> {
  const undo: (() => Promise<void>)[] = []
  try {
    for (const path of directories) {
      signal.throwIfAborted()
      undo.push(await makeDirectory(path))
    }
    for (const { path, content } of files) {
      signal.throwIfAborted()
      await writeNew(path, content)
      undo.push(() => rm(path))
      await syncDirectory(dirname(path))
    }
    signal.throwIfAborted()
  } catch (error) {
    // What cannot be removed must not hide why it was to be.
    for (const step of undo.reverse()) await step().catch(() => undefined)
    throw error
  }
}

/** @returns what removes the directories that were made, as long as they are empty */
async function makeDirectory(path: string): Promise<() => Promise<void>> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw failure(path, error)
  })
  return async () => {
    if (first === undefined) return
    for (let directory = path; directory.length >= first.length; directory = dirname(directory)) await rmdir(directory)
  }
}

async function writeNew(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`
  try {
    await using file = await open(temporary, 'wx', 0o600)
    await file.writeFile(content)
    await file.sync()
    // link() and not rename(): it refuses a name that is taken.
    await link(temporary, path)
  } catch (error) {
    throw failure(path, error)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function syncDirectory(path: string): Promise<void> {
  try {
    await using directory = await open(path, 'r')
    await directory.sync()
  } catch (error) {
    throw failure(path, error)
  }
}

function failure(path: string, cause: unknown): HoldfastError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EEXIST') {
    return new HoldfastError('ALREADY_EXISTS', `${path} is there already, and is not overwritten`, {
      hint: 'move it away if nothing needs it (no backup can be read without its key), or name another --config; nothing was written',
      cause,
    })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HoldfastError('LOCAL_IO', `cannot make ${path}: ${reason}`, {
    hint: 'check the directory and its permissions; nothing was written',
    cause,
  })
}
