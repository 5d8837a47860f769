import { appendFile, chown, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { runProgram } from '../src/process/run-program.js'
import { freePort } from '../test/servers/free-port.js'
import type { TestPostgres } from '../test/servers/postgres.js'
import { pgBackRestPlaces, stanza } from './pgbackrest-config.js'
import type { Replayer, ReplayerName } from './replay.js'
import { makeFor, type ReplayStage } from './replay-stage.js'
import { expectRestored } from './restored-server.js'

/** From a directory of plain segments on the same disk: nothing that fetches, decrypts or decompresses can be expected to beat it. */
export function replayWithCp(stage: ReplayStage): Replayer {
  return replayWith(stage, 'cp', () => `cp ${stage.walDirectory}/%f %p`)
}

/** Two processes fetch ahead into a spool, as its guide recommends for this. */
export function replayWithPgBackRest(stage: ReplayStage, program: string): Replayer {
  const { configFile, work } = pgBackRestPlaces(stage)
  const options = [`--config=${configFile}`, `--stanza=${stanza}`, '--archive-async', '--archive-get-queue-max=512MiB']
  return replayWith(
    stage,
    'pgbackrest',
    (data) => `${program} ${options.join(' ')} --pg1-path=${data} archive-get %f "%p"`,
    () => makeFor(work, stage.runAs),
  )
}

function replayWith(
  { source, places, base, runAs, signal }: ReplayStage,
  name: ReplayerName,
  commandFor: (dataDirectory: string) => string,
  prepare: () => Promise<void> = async () => undefined,
): Replayer {
  const [data, log] = [join(places.directory, 'replayed'), join(places.directory, 'replayed.log')]
  const control = (...args: string[]) =>
    runProgram({ program: join(source.binDirectory, 'pg_ctl'), args: ['-D', data, '-s', ...args], cwd: '/', runAs }, { signal })
  return {
    name,
    async replay() {
      const port = await freePort()
      await prepare()
      await makeFor(data, runAs)
      await runProgram({ program: 'cp', args: ['-a', `${base}/.`, data] }, { signal })
      const settings = { port, archive_mode: 'off', restore_command: commandFor(data) }
      const lines = Object.entries(settings).map(([setting, value]) => `${setting} = '${value}'\n`)
      await appendFile(join(data, 'postgresql.auto.conf'), lines.join(''))
      for (const path of [join(data, 'recovery.signal'), log]) {
        await writeFile(path, '')
        await chown(path, runAs.uid, runAs.gid)
      }
      await runProgram({ program: 'sync', args: [] }, { signal })
      const start = performance.now()
      await control('-l', log, '-w', '-t', patienceSeconds, 'start')
      await promoted(source, port)
      const wallMs = performance.now() - start
      await expectRestored(source, port)
      await control('-m', 'immediate', 'stop')
      await rm(data, { recursive: true })
      return wallMs
    },
  }
}

const patienceSeconds = '1800'

/** It lets us in long before it has replayed everything. */
async function promoted({ host, user, password }: TestPostgres, port: number): Promise<void> {
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    const recovers = async () => (await client.query<{ r: boolean }>('select pg_is_in_recovery() as r')).rows[0]?.r !== false
    while (await recovers()) await sleep(50)
  } finally {
    await client.end()
  }
}
