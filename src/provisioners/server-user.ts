import type { SystemUser } from '../process/command.js'
import { currentUser, findUser } from '../process/users.js'

/** Whose the servers are. */
export interface ServerUser {
  readonly name: string
  /** Absent when the servers run as we do. */
  readonly runAs?: SystemUser
}

/** PostgreSQL refuses to run as root, so root needs another user; anybody else can only be themselves. */
export async function findServerUser(name: string): Promise<ServerUser> {
  const current = currentUser()
  if (current.uid !== 0) return { name: current.name }
  const runAs = await findUser(name)
  return { name: runAs.name, runAs }
}
