import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { parseAccessLog, storedPieces, storedTwice } from '../../scripts/demo/access-log.js'
import { parseCrc32, parseObjectKey } from '../../src/domain/ids.js'
import { createS3Store } from '../../src/storage/s3-store.js'
import { createBucket, startVersitygw } from '../servers/versitygw.js'
import { optionsFor } from '../servers/versitygw-options.js'

test('the log of the real server tells which parts and objects of artifacts it stored, and which twice', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'demo-log-'))
  const accessLog = join(directory, 'access.log')
  const server = await startVersitygw({ directory: join(directory, 's3'), accessLog })
  try {
    await createBucket(server, 'backups')
    const { uploads, ...store } = await createS3Store(optionsFor(server, 'backups'))
    const key = parseObjectKey('shop/full/b/a1/base.tar')
    const upload = await uploads?.begin(key)
    if (uploads === undefined || upload === undefined) throw new Error('S3 takes parts')
    const bytes = Buffer.alloc(10)
    const part = (number: number) =>
      uploads.putPart(upload, { number, bytes, crc32: parseCrc32(crc32(bytes).toString(16).padStart(8, '0')) })
    await part(1)
    await part(2)
    await store.put(parseObjectKey('shop/full/b/a1/small'), bytes, { ifAbsent: true })
    await store.put(parseObjectKey('shop/full/b/manifest.json'), bytes, { ifAbsent: true })
    const pieces = await storedPieces(accessLog)
    expect(pieces.map((piece) => [piece.key, piece.part?.split(' ').at(1)])).toEqual([
      ['/backups/shop/full/b/a1/base.tar', '1'],
      ['/backups/shop/full/b/a1/base.tar', '2'],
      ['/backups/shop/full/b/a1/small', undefined],
    ])
    expect(storedTwice(pieces)).toEqual([])
    await part(2)
    expect(storedTwice(await storedPieces(accessLog))).toEqual([`/backups/shop/full/b/a1/base.tar ${upload.id} 2`])
  } finally {
    await server.stop()
  }
})

test('a part whose bytes did not all arrive is not counted', () => {
  const line = 'a backups [t] 127.0.0.1 a X s3_UploadPart shop/a1/x /backups/shop/a1/x?partNumber=1&uploadId=u 400 - 0 0 0 0'
  expect(parseAccessLog(line)).toEqual([])
  expect(parseAccessLog(line.replace(' 400 ', ' 200 '))).toHaveLength(1)
})
