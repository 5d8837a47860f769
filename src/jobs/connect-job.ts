import { connect, type Socket } from 'node:net'
import { HoldfastError } from '../domain/errors.js'
import { hasCode, type JobDirectory } from './job-directory.js'

const nobodyCodes = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']

/** @returns undefined when nobody listens at the job's socket. */
export async function connectTo(directory: JobDirectory): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(directory.socket)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error) => {
      if (nobodyCodes.some((code) => hasCode(error, code))) resolve(undefined)
      else reject(new HoldfastError('LOCAL_IO', `cannot connect to ${directory.socket}`, { cause: error }))
    })
  })
}
