import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { backupPrefix } from '../../src/catalog/keys.js'
import { tablespacesOf } from '../../src/domain/physical-facts.js'
import { runProgram } from '../../src/process/run-program.js'
import { createDocShell, type Replacements } from '../docs/doc-shell.js'
import { type Block, blocksOf } from '../docs/markdown.js'
import { freePort } from '../servers/free-port.js'
import { serverUser } from '../servers/postgres.js'
import { type PlainBench, stopServer } from './plain-bench.js'

interface RestoredByHand extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly printed: string
}

/** Restores the second backup with the commands of FORMAT.md, the server's as the server's user. */
export async function restoreByHand(bench: PlainBench): Promise<RestoredByHand> {
  const { stand, machine } = bench
  const directory = await mkdtemp(join(tmpdir(), 'by-hand-'))
  const user = await serverUser()
  await chown(directory, user.uid, user.gid)
  const port = await freePort()
  const replacements = replacementsFor(bench, port)
  const path = [stand.postgres.binDirectory, process.env.PATH].join(':')
  const env = { ...machine.env, PATH: `${machine.env.PATH}:${path}`, AWS_ENDPOINT_URL: stand.s3.endpoint }
  await createDocShell({ directory, replacements, env }).run(await blockOf('by-hand-open'))
  await runProgram({ program: 'chown', args: ['-R', `${user.uid}:${user.gid}`, join(directory, 'opened')] }, {})
  const data = join(directory, 'restored', 'data')
  const end = async () => {
    await stopServer(data, stand).catch(() => undefined)
    await rm(directory, { recursive: true })
  }
  try {
    const { text } = await blockOf('by-hand-server')
    const script = replacements.reduce((result, [page, here]) => result.replaceAll(page, here), text)
    const command = {
      program: 'bash',
      args: ['-euo', 'pipefail', '-c', script],
      cwd: directory,
      runAs: user,
      env: { PATH: path, PGPASSWORD: stand.postgres.password },
    }
    const { stdout } = await runProgram(command, { signal: AbortSignal.timeout(40_000) })
    return { host: join(directory, 'restored', 'run'), port, printed: stdout, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

/** A word of a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function replacementsFor({ keyFile, second }: PlainBench, port: number): Replacements {
  const { backup, facts } = second.manifest
  return [
    ['s3://backups-prod/avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/', `s3://backups/${backupPrefix(backup)}/`],
    ['s3://backups-prod', 's3://backups'],
    ['scripts/restore/open_backup.py', resolve('scripts/restore/open_backup.py')],
    ['2026-11.key', quoted(keyFile)],
    ['16401', tablespacesOf(facts)[0]?.oid ?? ''],
    ['5499', String(port)],
  ]
}

/** Of FORMAT.md. */
export async function blockOf(name: string): Promise<Block> {
  const found = (await blocksOf('src/catalog/FORMAT.md')).find(({ marks }) => marks.test === name)
  if (found === undefined) throw new Error(`FORMAT.md has no block ${name}`)
  return found
}
