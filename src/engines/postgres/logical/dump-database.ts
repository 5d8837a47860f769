import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../../../domain/manifest.js'
import { runProgram } from '../../../process/run-program.js'
import type { CaptureSink } from '../../engine.js'
import type { ChosenDatabase } from './choose-databases.js'
import { type DumpPlan, directoryDumpCommand, dumpCommand } from './dump-commands.js'
import { dumpFailure } from './dump-failure.js'
import { storeOutput } from './store-output.js'

interface Dump {
  readonly plan: DumpPlan
  readonly database: ChosenDatabase
  readonly sink: CaptureSink
  readonly onBytes: (addedBytes: number) => void
}

/** Dumps one database: streamed, or by several connections into a directory of which a tar archive is made. */
export function dumpDatabase(dump: Dump, signal: AbortSignal): Promise<Artifact> {
  const { jobs = 1 } = dump.plan.options.logical ?? {}
  return jobs === 1 ? streamDump(dump, signal) : dumpInParallel(dump, jobs, signal)
}

function streamDump({ plan, database, sink, onBytes }: Dump, signal: AbortSignal): Promise<Artifact> {
  const { maxRateBytesPerSecond } = plan.options
  const output = {
    command: dumpCommand(plan, database.name),
    name: `${database.oid}.dump`,
    content: { role: 'dump', database: database.oid },
    sink,
    ...(maxRateBytesPerSecond === undefined ? {} : { maxRateBytesPerSecond }),
    onBytes,
    explain: explainDump(plan, database),
  } as const
  return storeOutput(output, signal)
}

async function dumpInParallel({ plan, database, sink, onBytes }: Dump, jobs: number, signal: AbortSignal): Promise<Artifact> {
  const directory = join(sink.scratchDirectory, `dump-${database.oid}`)
  const explain = explainDump(plan, database)
  await rm(directory, { recursive: true, force: true })
  try {
    await runProgram(directoryDumpCommand(plan, database.name, directory, jobs), { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw explain(error instanceof Error ? error.message : '', error)
    })
    const output = {
      command: { program: 'tar', args: ['--create', '--file=-', `--directory=${directory}`, '.'] },
      name: `${database.oid}.dump.tar`,
      content: { role: 'dump', database: database.oid },
      sink,
      onBytes,
      explain,
    } as const
    return await storeOutput(output, signal)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function explainDump({ options }: DumpPlan, { name }: ChosenDatabase): (lastLines: string, cause: unknown) => Error {
  return (lastLines, cause) => dumpFailure({ what: `pg_dump of database ${name}`, role: options.user, lastLines, cause })
}
