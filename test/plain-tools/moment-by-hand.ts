import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { backupPrefix } from '../../src/catalog/keys.js'
import type { BackupId } from '../../src/domain/ids.js'
import { runProgram } from '../../src/process/run-program.js'
import { createDocShell, type Replacements } from '../docs/doc-shell.js'
import { freePort } from '../servers/free-port.js'
import { serverUser, type TestPostgres } from '../servers/postgres.js'
import type { Stand } from '../stand/stand.js'
import { stopServer } from './plain-bench.js'
import type { PlainMachine } from './plain-machine.js'
import { blockOf, quoted } from './restore-by-hand.js'

interface MomentByHand {
  readonly stand: Stand
  readonly postgres: TestPostgres
  readonly machine: PlainMachine
  readonly keyFile: string
  readonly backup: BackupId
  /** ISO 8601 UTC. */
  readonly at: string
}

interface RestoredMoment extends AsyncDisposable {
  readonly host: string
  readonly port: number
}

/** Restores a moment with the commands of FORMAT.md, of a cluster without tablespaces. */
export async function restoreMomentByHand(request: MomentByHand): Promise<RestoredMoment> {
  const { stand, postgres, machine } = request
  const directory = await mkdtemp(join(tmpdir(), 'by-hand-'))
  const user = await serverUser()
  await chown(directory, user.uid, user.gid)
  const port = await freePort()
  const replacements = replacementsFor(request, port)
  const path = [postgres.binDirectory, process.env.PATH].join(':')
  const env = { ...machine.env, PATH: `${machine.env.PATH}:${path}`, AWS_ENDPOINT_URL: stand.s3.endpoint }
  const shell = createDocShell({ directory, replacements, env })
  const end = async () => {
    await stopServer(join(directory, 'restored', 'data'), { ...stand, postgres }).catch(() => undefined)
    await rm(directory, { recursive: true })
  }
  try {
    for (const name of ['by-hand-open', 'by-hand-wal']) await shell.run(await blockOf(name))
    await runProgram({ program: 'chown', args: ['-R', `${user.uid}:${user.gid}`, directory] }, {})
    const args = ['-euo', 'pipefail', '-c', await serverScript(replacements)]
    const command = { program: 'bash', args, cwd: directory, runAs: user, env: { PATH: path, PGPASSWORD: postgres.password } }
    await runProgram(command, { signal: AbortSignal.timeout(60_000) })
    return { host: join(directory, 'restored', 'run'), port, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

/** The steps to a backup's end, with the settings of a moment in the place of their last three. */
async function serverScript(replacements: Replacements): Promise<string> {
  const settings = (await blockOf('by-hand-moment')).text
  const { text } = await blockOf('by-hand-server')
  const moment = text.replace(/restore_command = [\s\S]*?'promote'\n/, () => settings)
  const lines = moment.replace(' restored/16401', '').split('\n')
  const withoutTablespace = lines.filter((line) => !line.includes('16401')).join('\n')
  return replacements.reduce((result, [page, here]) => result.replaceAll(page, here), withoutTablespace)
}

function replacementsFor({ backup, keyFile, at }: MomentByHand, port: number): Replacements {
  const day = at.slice(0, 10).replaceAll('-', '/')
  return [
    ['s3://backups-prod/avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/', `s3://backups/${backupPrefix(backup)}/`],
    ['s3://backups-prod', 's3://backups'],
    ['avi5', 'shop'],
    ...['open_backup.py', 'plan_wal.py', 'open_wal.py', 'new_tablespace.py'].map((name): [string, string] => [
      `scripts/restore/${name}`,
      resolve('scripts/restore', name),
    ]),
    ['2026-11.key', quoted(keyFile)],
    ['2026-01-10T03:30:00Z', at],
    ['2026-01-10 03:30:00+00', at.replace('T', ' ').replace('Z', '+00')],
    ['2026/01/10', day],
    ['2026/01/11', day],
    ['5499', String(port)],
  ]
}
