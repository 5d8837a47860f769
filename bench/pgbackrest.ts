import { chown, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from '../src/process/command.js'
import { runProgram } from '../src/process/run-program.js'
import { freePort } from '../test/servers/free-port.js'
import { serverUser } from '../test/servers/postgres.js'
import { type Contender, figuresOf } from './contender.js'
import { measure } from './measure.js'
import { type PgBackRestPlaces, pgBackRestPlaces, stanza, writePgBackRestConfig } from './pgbackrest-config.js'
import { expectRestored } from './restored-server.js'
import { bucket, clearBucket, type Stage } from './stage.js'
import { storedBytes } from './stored-bytes.js'

/** The same server into the same bucket with pgBackRest, two processes, and the recovery that Holdfast does: to the end of the backup. */
export async function pgBackRest(stage: Stage, program: string): Promise<Contender> {
  const { source, signal } = stage
  const runAs = await serverUser()
  const places = pgBackRestPlaces(stage)
  const control = join(source.binDirectory, 'pg_ctl')
  const command = (...args: string[]): Command => ({
    program,
    args: [`--config=${places.configFile}`, `--stanza=${stanza}`, ...args],
    env: { PGPASSWORD: source.password },
    runAs,
  })
  await writePgBackRestConfig(stage, places)
  return {
    name: 'pgbackrest',
    async prepare() {
      await clearBucket(stage)
      await emptyFor(places, runAs)
      await runProgram(command('stanza-create'), { signal })
    },
    async backUp() {
      await archiveInto(stage, `${program} --config=${places.configFile} --stanza=${stanza} archive-push %p`)
      const beside = { sourceDataDirectory: source.dataDirectory, signal }
      const measured = await measure(command('backup', '--type=full', '--start-fast'), beside)
      await archiveInto(stage, 'true')
      const stored = await storedBytes(join(stage.places.bucketDirectory, bucket))
      return { ...figuresOf(measured), storedBytes: stored, sourceCpuSeconds: measured.source.cpuSeconds }
    },
    async restore() {
      const port = await freePort()
      const restore = command('restore', `--pg1-path=${places.restored}`, '--archive-mode=off', ...toTheEndOfTheBackup)
      const files = ['-D', places.restored, '-l', join(places.work, 'restored.log')]
      const start = [control, ...files, '-o', `-p ${port}`, '-s', '-w', '-t', startPatienceSeconds, 'start']
      const both = [restore.program, ...restore.args, '', ...start]
      const measured = await measure(
        { program: 'bash', args: ['-c', oneThenOther, 'bash', String(both.indexOf('')), ...both], runAs },
        { sourceDataDirectory: source.dataDirectory, signal },
      )
      await expectRestored(source, port)
      await runProgram({ program: control, args: [...files, '-s', '-m', 'immediate', 'stop'], runAs }, {})
      await rm(places.restored, { recursive: true })
      return figuresOf(measured)
    },
  }
}

const startPatienceSeconds = '600'
const toTheEndOfTheBackup = ['--type=immediate', '--target-action=promote']

/** `<length of the first command> <first command> '' <second command>` */
const oneThenOther = `count=$1; shift; "\${@:1:count}" && "\${@:count+2}"`

async function emptyFor({ work, restored }: PgBackRestPlaces, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  for (const directory of [work, restored]) {
    await rm(directory, { recursive: true, force: true })
    await mkdir(directory, { mode: 0o700 })
    await chown(directory, uid, gid)
  }
}

/** In the turns of the others nothing is archived: it would be work that is not theirs. */
async function archiveInto({ source }: Stage, command: string): Promise<void> {
  await source.sql(`alter system set archive_command = '${command}'`)
  await source.sql('select pg_reload_conf()')
}
