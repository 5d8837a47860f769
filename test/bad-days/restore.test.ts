import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { manifestKey } from '../../src/catalog/keys.js'
import { compose } from '../../src/composition/compose.js'
import { loadConfig } from '../../src/config/load-config.js'
import { canonicalJson } from '../../src/domain/canonical-json.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { BackupReport } from '../../src/domain/operations.js'
import { type Stores, storesOf, whileChanged } from '../damage/damage.js'
import { leftSince, remainsOf } from '../stand/remains.js'
import { type Stand, startStand } from '../stand/stand.js'
import { changedConfig } from './changed-config.js'
import { type Crafting, whileCrafted } from './crafted-backup.js'
import { expectRefusal } from './refusal.js'
import { withWorker } from './with-worker.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const otherKey = Buffer.alloc(32, 7).toString('base64')

describe('a restore', () => {
  let stand: Stand
  let stores: Stores
  let crafting: Crafting
  let before: readonly string[]

  beforeAll(async () => {
    stand = await startStand({})
    stores = await storesOf(stand)
    const backup = await withWorker(stand, stand.env, () => stand.cli('backup', 'shop', '--json'))
    expect(backup, backup.stderr).toMatchObject({ exitCode: 0 })
    const composition = await compose(await loadConfig({ path: stand.configPath, env: stand.env }), stand.env)
    const catalog = await composition.catalog(parseRepositoryName('local'))
    const manifest = await catalog.read((JSON.parse(backup.stdout) as BackupReport).backup)
    const directory = await mkdtemp(join(stand.directory, 'crafted-'))
    crafting = { store: stores.local, manifest, keys: await composition.keys(), directory }
    before = await remainsOf(stand)
  })

  afterAll(() => stand?.close())

  const restore = (...more: string[]) => ['restore', 'shop', '--name', 'r1', ...more]

  test('with a wrong key is refused before anything is fetched', async () => {
    const env = { ...stand.env, STAND_KEY: otherKey }
    await withWorker(stand, env, () =>
      expectRefusal(env, restore(), {
        code: 'MANIFEST_DAMAGED',
        message: /no backup of shop can be read: .*its HMAC is wrong for key "test"/,
        hint: /if all backups say so, key "test" of this configuration is not the one they were made with/,
      }),
    )
    expect(await leftSince(stand, before)).toEqual([])
  })

  test('without the key is refused with the id of the key', async () => {
    const config = await changedConfig(stand, 'other-key', (written) => {
      written.encryption = { activeKey: 'other', keys: { other: { env: 'STAND_OTHER_KEY' } } }
    })
    const env = { ...config, STAND_OTHER_KEY: otherKey }
    await withWorker(stand, env, () =>
      expectRefusal(env, restore(), {
        code: 'KEY_MISSING',
        message: /needs the key "test", which the configuration does not have/,
        hint: /under encryption\.keys/,
      }),
    )
    expect(await leftSince(stand, before)).toEqual([])
  })

  describe('of what somebody made', () => {
    let worker: { stop(): Promise<void> }

    beforeAll(async () => {
      worker = await stand.startWorker()
    })

    afterAll(() => worker?.stop())

    test('in another format is refused with its version, and what to do', async () => {
      await whileChanged(stores.local, manifestKey(crafting.manifest.backup), rewritten({ formatVersion: 2 }), () =>
        expectRefusal(stand.env, restore('--repository', 'local'), {
          code: 'FORMAT_UNKNOWN',
          message: /has format version 2; this version of Holdfast reads 1/,
          hint: /upgrade/,
        }),
      )
      expect(await leftSince(stand, before)).toEqual([])
    })

    test('with an artifact whose name leads elsewhere is refused', async () => {
      const [first, ...others] = crafting.manifest.artifacts
      const artifacts = [{ ...first, name: '../../../../etc/cron.d/evil' }, ...others]
      await whileChanged(stores.local, manifestKey(crafting.manifest.backup), rewritten({ artifacts }), () =>
        expectRefusal(stand.env, restore('--repository', 'local'), {
          code: 'MANIFEST_DAMAGED',
          message: /artifacts\.0\.name/,
          hint: /use another repository/,
        }),
      )
      expect(await leftSince(stand, before)).toEqual([])
    })

    test('with a link that leads out of an archive writes and removes nothing there', async () => {
      const outside = await mkdtemp(join(stand.directory, 'outside-'))
      await chmod(outside, 0o777)
      await writeFile(join(outside, 'precious'), 'kept')
      const link = async (directory: string) => {
        await rm(join(directory, 'pg_wal'), { recursive: true, force: true })
        await symlink(outside, join(directory, 'pg_wal'))
      }
      await whileCrafted(crafting, 'base', link, () =>
        expectRefusal(stand.env, restore('--repository', 'local'), {
          code: 'ARTIFACT_DAMAGED',
          message: /pg_wal is neither a file nor a directory/,
          hint: /another repository/,
        }),
      )
      expect(await readdir(outside)).toEqual(['precious'])
      expect(await leftSince(stand, before)).toEqual([])
    })
  })
})

function rewritten(change: object): (bytes: Buffer) => Buffer {
  return (bytes) => Buffer.from(`${canonicalJson({ ...JSON.parse(bytes.toString('utf8')), ...change })}\n`)
}
