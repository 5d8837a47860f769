import { userInfo } from 'node:os'
import { HoldfastError } from '../domain/errors.js'
import type { SystemUser } from './command.js'
import { runProgram } from './run-program.js'

/**
 * Looks up an operating-system user by name or by numeric id, in whatever the system is configured to ask (files, LDAP, …).
 * @throws HoldfastError NOT_FOUND, TOOL_MISSING, PROCESS_FAILED
 */
export async function findUser(name: string): Promise<SystemUser> {
  const line = await runProgram({ program: 'getent', args: ['passwd', '--', name] }, {}).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      const exitCode = error instanceof HoldfastError ? error.details.exitCode : undefined
      if (exitCode !== notInDatabase) throw error
      return ''
    },
  )
  const [found, , uid, gid] = line.trim().split(':')
  if (found === undefined || uid === undefined || gid === undefined) {
    throw new HoldfastError('NOT_FOUND', `there is no operating-system user "${name}"`, {
      hint: 'create the user, or name another one in the configuration',
      details: { user: name },
    })
  }
  return { name: found, uid: Number(uid), gid: Number(gid) }
}

/** Who we are. In containers the user may have no name; then its number stands for it. */
export function currentUser(): SystemUser {
  try {
    const { username, uid, gid } = userInfo()
    return { name: username, uid, gid }
  } catch {
    const uid = process.getuid?.() ?? -1
    return { name: String(uid), uid, gid: process.getgid?.() ?? -1 }
  }
}

/** Exit status of getent: "one or more supplied keys could not be found". */
const notInDatabase = 2
