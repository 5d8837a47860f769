import { access, constants, stat } from 'node:fs/promises'
import type { Config } from '../../config/config.js'
import { jobDirectory } from '../../jobs/job-directory.js'
import { makeStateDirectory } from '../../jobs/state-directory.js'
import { type DoctorFinding, failed, ok, warning } from './finding.js'
import { freeSpace } from './free-space.js'

const subject = 'state directory'
/** A Unix socket's address has room for so much. */
const socketPathBytes = 107

/**
 * Specs, sockets and logs of jobs are kept below it, in directories of their own: writable, with a path short enough for a socket.
 * Others may pass through (restored servers do) but neither read nor write it.
 */
export async function checkState({ stateDirectory }: Config): Promise<readonly DoctorFinding[]> {
  await makeStateDirectory(stateDirectory)
  try {
    await access(stateDirectory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return [failed(subject, 'LOCAL_IO', `${stateDirectory} cannot be written to`, 'correct its permissions, or `stateDirectory`')]
  }
  const { socket } = jobDirectory(stateDirectory, 'any')
  if (Buffer.byteLength(socket) > socketPathBytes) {
    const message = `${stateDirectory} is too long: the sockets of jobs have paths of ${socketPathBytes} bytes at most`
    return [failed(subject, 'CONFIG_INVALID', message, 'choose a shorter `stateDirectory`')]
  }
  const { mode } = await stat(stateDirectory)
  if ((mode & 0o066) !== 0) {
    const message = `${stateDirectory} is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`
    return [warning(subject, message, `chmod 711 ${stateDirectory}`)]
  }
  return [ok(subject, `${stateDirectory}, ${await freeSpace(stateDirectory)}`)]
}
