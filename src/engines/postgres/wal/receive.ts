import { join } from 'node:path'
import type { Command } from '../../../process/command.js'
import { startProgram } from '../../../process/start-program.js'
import type { Receiving } from '../../wal-source.js'
import { keepalives, libpqEnvironment } from '../libpq-environment.js'
import type { PostgresEngineOptions } from '../options.js'
import { findTools, type Tools } from '../tools.js'
import type { PostgresWalServer } from './find-server.js'
import { receiveFailure } from './receive-failure.js'

interface Reception {
  readonly options: PostgresEngineOptions
  readonly server: PostgresWalServer
  readonly directory: string
  readonly applicationName: string
}

/** Starts pg_receivewal in a readied directory. It ends with us, whatever ends us. */
export async function startReceiving(reception: Reception, signal: AbortSignal): Promise<Receiving> {
  const { options, server } = reception
  const tools = await findTools(options.binDirectories, server.major, signal)
  const running = startProgram(receiveCommand(reception, tools), { signal, stdin: 'ignore', stdout: 'ignore' })
  const ended = running.finished.then(
    () => Promise.reject(receiveFailure(server.label, running.stderrTail(), undefined)),
    (error: unknown) => {
      throw signal.aborted ? signal.reason : receiveFailure(server.label, running.stderrTail(), error)
    },
  )
  ended.catch(() => undefined)
  return { ended }
}

/**
 * Without a slot of its own: what the server may forget is decided by the guard, which follows the repositories and not this
 * directory. It reports every second how far it is, which is how we know what is in the partial segment.
 */
function receiveCommand({ options, server, directory, applicationName }: Reception, tools: Tools): Command {
  return {
    program: join(tools.directory, 'pg_receivewal'),
    args: [
      '--directory', directory,
      '--no-loop',
      '--status-interval', '1',
      '--no-password',
      // A server that was demoted since we looked is refused by libpq itself.
      '--dbname', `${keepalives} target_session_attrs=read-write`,
      '--host', server.address.host,
      '--port', String(server.address.port),
      '--username', options.user,
    ], // biome-ignore format: an option and its value stay on one line
    env: libpqEnvironment(options, applicationName),
    ...(options.password === undefined ? {} : { secrets: [options.password] }),
  }
}
