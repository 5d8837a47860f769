import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectKey } from '../../src/domain/ids.js'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'

// A process to be killed: `busy-writer.ts <root> put|grow`. It says `ready` once it writes, and does not end by itself.
const [root = '', mode = 'put'] = process.argv.slice(2)
const store = createFilesystemStore({ root })
const bytes = Buffer.alloc(8 * 1024 * 1024, 7)
process.stdout.write('ready')

for (let n = 0; mode === 'put'; n += 1) await store.put(`put/${n}` as ObjectKey, bytes, { ifAbsent: true })

const object = await store.growing.create('grow/object' as ObjectKey)
const source = async function* () {
  for (;;) {
    yield bytes
    await sleep(20)
  }
}
await pipeline(source, object.writable)
