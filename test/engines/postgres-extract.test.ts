import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createZstdCompress, zstdCompressSync } from 'node:zlib'
import { execa } from 'execa'
import { beforeEach, expect, test } from 'vitest'
import { extract } from '../../src/engines/postgres/extract.js'
import { serverUser } from '../servers/postgres.js'

/** `outside` is open to everybody: what keeps an archive from it is not who owns it. */
let directory: string
let outside: string
let archive: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'extract-'))
  outside = join(directory, 'outside')
  archive = join(directory, 'crafted.tar')
  await chmod(directory, 0o755)
  await mkdir(outside)
  await chmod(outside, 0o777)
  await writeFile(join(outside, 'precious'), 'kept')
})

test.each<[string, () => Promise<unknown>]>([
  ['a member that climbs out', () => crafted(['-P', '--transform=s,^file$,../outside/written,', 'file'])],
  ['a link that leads out', () => crafted(['link'])],
  ['a member behind a link of the same archive', () => crafted(['link', '-C', '../behind', 'link/written'])],
  ['a hard link to what is outside', async () => toHardLink(await crafted(['link']))],
])('%s is refused as damaged, and nothing outside is touched', async (_, craft) => {
  await craft()
  const owner = await serverUser()
  const target = join(directory, 'target')
  await mkdir(target)
  await chown(target, owner.uid, owner.gid)
  const source = createReadStream(archive).pipe(createZstdCompress())
  const extraction = extract({ source, directory: target, owner, onBytes: () => undefined }, new AbortController().signal)
  await expect(extraction).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining(target) })
  expect(await readdir(outside)).toEqual(['precious'])
  expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('kept')
})

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['cut short', (bytes) => bytes.subarray(0, bytes.length - 40)],
  ['of other bytes', (bytes) => Buffer.concat([bytes.subarray(0, 60), randomBytes(bytes.length)])],
  ['followed by what is no frame', (bytes) => Buffer.concat([bytes, randomBytes(100)])],
  ['not compressed', () => randomBytes(5000)],
])('an archive %s is refused as damaged', async (_, spoil) => {
  await execa('tar', ['-cf', archive, '-C', directory, 'outside'])
  const owner = await serverUser()
  const bytes = zstdCompressSync(await readFile(archive))
  await chown(outside, owner.uid, owner.gid)
  const source = Readable.from([spoil(bytes)])
  const extraction = extract({ source, directory: outside, owner, onBytes: () => undefined }, new AbortController().signal)
  await expect(extraction).rejects.toMatchObject({ code: 'ARTIFACT_DAMAGED', message: expect.stringContaining('/*stdin*') })
})

/** Of a file, a link to `outside`, and beside them a directory in the link's place with a file. */
async function crafted(members: readonly string[]): Promise<string> {
  const [inside, behind] = [join(directory, 'inside'), join(directory, 'behind')]
  await mkdir(join(behind, 'link'), { recursive: true })
  await mkdir(inside)
  await writeFile(join(behind, 'link', 'written'), 'evil')
  await writeFile(join(inside, 'file'), 'evil')
  await symlink(outside, join(inside, 'link'))
  await execa('tar', ['-cf', archive, '-C', inside, ...members])
  return archive
}

/** No program makes such an archive: the type in the header of its one member is changed, and the header's sum with it. */
async function toHardLink(path: string): Promise<void> {
  const bytes = await readFile(path)
  const sum = Number.parseInt(bytes.toString('latin1', 148, 154), 8)
  bytes.write('1', 156)
  bytes.write((sum - 1).toString(8).padStart(6, '0'), 148)
  await writeFile(path, bytes)
}
