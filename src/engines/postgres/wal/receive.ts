import { join } from 'node:path'
import type { Lsn } from '../../../domain/lsn.js'
import type { Command } from '../../../process/command.js'
import { type RunningProgram, startProgram } from '../../../process/start-program.js'
import type { Receiving } from '../../wal-source.js'
import { keepalives, libpqEnvironment } from '../libpq-environment.js'
import type { PostgresEngineOptions } from '../options.js'
import type { ServerAddress } from '../server-address.js'
import { findTools, type Tools } from '../tools.js'
import { receiveFailure } from './receive-failure.js'

interface Reception {
  readonly options: PostgresEngineOptions
  readonly server: { readonly address: ServerAddress; readonly label: string; readonly major: string }
  readonly directory: string
  readonly applicationName: string
}

/** What a standby has of what its primary has no longer. @throws HoldfastError WAL_GAP when it has it neither, SOURCE_UNAVAILABLE, … */
export async function receiveUntil(reception: Reception, lastByte: Lsn, signal: AbortSignal): Promise<void> {
  const running = await start(reception, ['--endpos', lastByte], 'any', signal)
  await running.finished.catch((error: unknown) => {
    throw signal.aborted ? signal.reason : receiveFailure(reception.server.label, running.stderrTail(), error)
  })
}

/** Starts pg_receivewal in a readied directory. It ends with us, whatever ends us. */
export async function startReceiving(reception: Reception, signal: AbortSignal): Promise<Receiving> {
  const { server } = reception
  // A server that was demoted since we looked is refused by libpq itself.
  const running = await start(reception, [], 'read-write', signal)
  const ended = running.finished.then(
    () => Promise.reject(receiveFailure(server.label, running.stderrTail(), undefined)),
    (error: unknown) => {
      throw signal.aborted ? signal.reason : receiveFailure(server.label, running.stderrTail(), error)
    },
  )
  ended.catch(() => undefined)
  return { ended }
}

async function start(
  reception: Reception,
  more: readonly string[],
  sessionAttributes: 'any' | 'read-write',
  signal: AbortSignal,
): Promise<RunningProgram> {
  const { options, server } = reception
  const tools = await findTools(options.binDirectories, server.major, signal)
  const command = receiveCommand(reception, tools, more, sessionAttributes)
  return startProgram(command, { signal, stdin: 'ignore', stdout: 'ignore' })
}

/**
 * Without a slot of its own: what the server may forget is decided by the guard, which follows the repositories and not this
 * directory. It reports every second how far it is, which is how we know what is in the partial segment.
 */
function receiveCommand(
  { options, server, directory, applicationName }: Reception,
  tools: Tools,
  more: readonly string[],
  sessionAttributes: string,
): Command {
  return {
    program: join(tools.directory, 'pg_receivewal'),
    args: [
      '--directory', directory,
      '--no-loop',
      '--status-interval', '1',
      '--no-password',
      '--dbname', `${keepalives} target_session_attrs=${sessionAttributes}`,
      '--host', server.address.host,
      '--port', String(server.address.port),
      '--username', options.user,
      ...more,
    ], // biome-ignore format: an option and its value stay on one line
    env: libpqEnvironment(options, applicationName),
    ...(options.password === undefined ? {} : { secrets: [options.password] }),
  }
}
