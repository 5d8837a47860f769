import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFilesystemStore } from '../../src/storage/filesystem-store.js'
import { describeStoreConformance } from './store-conformance.js'

describeStoreConformance('a directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-fs-'))
  return {
    open: () => createFilesystemStore({ root }),
    openMissing: () => createFilesystemStore({ root: join(root, 'not', 'there') }),
    close: () => rm(root, { recursive: true, force: true }),
  }
})
