import { appendFile, chmod, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseBackupManifest } from '../../src/engines/postgres/backup-manifest.js'
import { verifyFiles } from '../../src/engines/postgres/verify-files.js'
import { runProgram } from '../../src/process/run-program.js'
import { postgresPrograms, startPostgres } from '../servers/postgres.js'

const { signal } = new AbortController()
const bin = postgresPrograms(15)

let root = ''
let pristine = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'verify-'))
  pristine = join(root, 'pristine')
  const server = await startPostgres({ major: 15 })
  try {
    const address = ['-h', '127.0.0.1', '-p', String(server.port), '-U', server.user]
    const args = ['-D', pristine, '-c', 'fast', '--no-sync', '--manifest-checksums=CRC32C', ...address]
    await runProgram({ program: join(bin, 'pg_basebackup'), args, env: { PGPASSWORD: server.password } }, {})
  } finally {
    await server.dispose()
  }
})

afterAll(() => rm(root, { recursive: true, force: true }))

/** What happens to a backup, and the file the verdict must name. */
const cases: readonly { title: string; file: string; harm(directory: string): Promise<void> }[] = [
  { title: 'a truncated file', file: 'base/1/1259', harm: (directory) => truncate(join(directory, 'base/1/1259')) },
  { title: 'a flipped bit', file: 'base/1/1259', harm: (directory) => flip(join(directory, 'base/1/1259')) },
  {
    title: 'a flipped bit in the control file',
    file: 'global/pg_control',
    harm: (directory) => flip(join(directory, 'global/pg_control')),
  },
  { title: 'a missing file', file: 'PG_VERSION', harm: (directory) => rm(join(directory, 'PG_VERSION')) },
  { title: 'a file too many', file: 'base/1/99999', harm: (directory) => writeFile(join(directory, 'base/1/99999'), 'x') },
  {
    title: 'a renamed file',
    file: 'base/1/1259',
    harm: (directory) => rename(join(directory, 'base/1/1259'), join(directory, 'base/1/77')),
  },
]

const harmless: readonly { title: string; change(directory: string): Promise<void> }[] = [
  { title: 'an intact backup', change: async () => {} },
  { title: 'WAL beyond the backup', change: (directory) => writeFile(join(directory, 'pg_wal/extra'), 'x') },
  { title: 'recovery.signal', change: (directory) => writeFile(join(directory, 'recovery.signal'), '') },
]

describe('our verdict and that of pg_verifybackup are the same', () => {
  test.each(cases)('$title', async ({ file, harm }) => {
    const directory = await copy()
    await harm(directory)
    const verdict = await ours(directory)
    expect(verdict.join('\n')).toContain(file)
    expect(await theirs(directory)).toBe('bad')
  })

  test.each(harmless)('$title', async ({ change }) => {
    const directory = await copy()
    await change(directory)
    expect(await ours(directory)).toEqual([])
    expect(await theirs(directory)).toBe('good')
  })

  test('a damaged manifest', async () => {
    const directory = await copy()
    const path = join(directory, 'backup_manifest')
    await writeFile(path, (await readFile(path, 'utf8')).replace('"Size": 3,', '"Size": 4,'))
    await expect(ours(directory)).rejects.toMatchObject({
      code: 'ARTIFACT_DAMAGED',
      message: expect.stringContaining('own checksum'),
    })
    expect(await theirs(directory)).toBe('bad')
  })

  test('a manifest cut short', async () => {
    const directory = await copy()
    const path = join(directory, 'backup_manifest')
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, -100))
    await expect(ours(directory)).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED' })
    expect(await theirs(directory)).toBe('bad')
  })
})

test('a link among the files is refused: it could lead anywhere', async () => {
  const directory = await copy()
  await runProgram({ program: 'ln', args: ['-s', '/etc/passwd', join(directory, 'base/1/5555')] }, {})
  await expect(ours(directory)).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('5555') })
})

test('the original of a file that was changed is what counts', async () => {
  const directory = await copy()
  const originals = join(root, 'originals')
  await runProgram({ program: 'mkdir', args: ['-p', originals] }, {})
  await runProgram({ program: 'cp', args: [join(directory, 'postgresql.auto.conf'), originals] }, {})
  await appendFile(join(directory, 'postgresql.auto.conf'), 'port = 1\n')
  expect(await ours(directory, originals)).toEqual([])
  await appendFile(join(originals, 'postgresql.auto.conf'), 'port = 1\n')
  expect(await ours(directory, originals)).toEqual([expect.stringContaining('postgresql.auto.conf')])
})

let copies = 0

async function copy(): Promise<string> {
  copies += 1
  const directory = join(root, `copy-${copies}`)
  await runProgram({ program: 'cp', args: ['-r', pristine, directory] }, {})
  await chmod(directory, 0o700)
  return directory
}

async function ours(directory: string, originals?: string): Promise<string[]> {
  const manifest = parseBackupManifest(await readFile(join(directory, 'backup_manifest')))
  const place = { dataDirectory: directory, tablespaces: {}, ...(originals === undefined ? {} : { originals }) }
  return verifyFiles(manifest, place, signal)
}

async function theirs(directory: string): Promise<'good' | 'bad'> {
  return runProgram({ program: join(bin, 'pg_verifybackup'), args: [directory] }, {}).then(
    () => 'good' as const,
    () => 'bad' as const,
  )
}

async function truncate(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.truncate(8192)
  await file.close()
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  await writeFile(path, bytes)
}
