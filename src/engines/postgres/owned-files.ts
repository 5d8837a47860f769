import { randomUUID } from 'node:crypto'
import { chown, lchown, mkdir, open, readdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Instance } from '../../domain/instance.js'
import type { SystemUser } from '../../process/command.js'
import { currentUser, findUser } from '../../process/users.js'

/** The user an instance's files belong to. */
export function ownerOf(instance: Instance): Promise<SystemUser> {
  const current = currentUser()
  return current.uid === 0 ? findUser(instance.user) : Promise.resolve(current)
}

/**
 * Writes a file that the server's user owns, readable by nobody else (0600 where left out), durable. It is renamed into place: what was there, be
 * it a link to somewhere else, is replaced and never written through.
 */
export async function writeOwned(path: string, content: string | Buffer, owner: SystemUser, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomUUID()}`
  const file = await open(temporary, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.chown(owner.uid, owner.gid)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** Makes a directory for the server's user alone; one that is there is kept. */
export async function makeOwnedDirectory(path: string, owner: SystemUser): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chown(path, owner.uid, owner.gid)
}

export async function linkOwned(path: string, target: string, owner: SystemUser): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await symlink(target, path)
  await lchown(path, owner.uid, owner.gid)
}

/** Removes what is in a directory; the directory stays. Nothing there is success. */
export async function emptyDirectory(path: string): Promise<void> {
  for (const name of await readdir(path).catch(() => [])) await rm(join(path, name), { recursive: true, force: true })
}
