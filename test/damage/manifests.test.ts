import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { manifestKey } from '../../src/catalog/keys.js'
import { canonicalJson } from '../../src/domain/canonical-json.js'
import type { ErrorCode } from '../../src/domain/errors.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { whileChanged } from './damage.js'
import { type DamageBench, startDamageBench } from './damage-bench.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const isLong = process.env.HOLDFAST_TEST_LONG === '1'

/** As stored. What is changed here is what somebody with access to the store could change. */
interface StoredManifest {
  readonly artifacts: readonly { readonly name: string; readonly sha256: string }[]
  readonly encryption: { readonly format: string; readonly keyId?: string }
  readonly hmac?: { readonly keyId: string }
}

type Change = (manifest: StoredManifest) => StoredManifest

const otherDigest: Change = firstArtifact({ sha256: 'a'.repeat(64) })
const otherKey: Change = (manifest) => ({ ...manifest, encryption: { ...manifest.encryption, keyId: 'other' } })

const changes: readonly [string, ErrorCode, Change][] = [
  ['a digest', 'MANIFEST_DAMAGED', otherDigest],
  ['a name that leads elsewhere', 'MANIFEST_DAMAGED', firstArtifact({ name: '../../a1/base.tar' })],
  ['no signature', 'MANIFEST_DAMAGED', ({ hmac: _, ...manifest }) => manifest],
  ['no signature and no encryption', 'MANIFEST_DAMAGED', ({ hmac: _, ...rest }) => ({ ...rest, encryption: { format: 'none' } })],
  ['the key of its artifacts', 'MANIFEST_DAMAGED', otherKey],
  ['both keys', 'KEY_MISSING', (manifest) => ({ ...otherKey(manifest), hmac: { ...manifest.hmac, keyId: 'other' } })],
  ['another format', 'FORMAT_UNKNOWN', (manifest) => ({ ...manifest, formatVersion: 99 })],
]

/** Of each code one, where a whole restore follows. */
const examples = changes.filter(([, code], index) => isLong || changes.findIndex((change) => change[1] === code) === index)

describe('a manifest altered', () => {
  let bench: DamageBench

  beforeAll(async () => {
    bench = await startDamageBench()
  })

  afterAll(() => bench?.close())

  test.each(examples)('in the nearest repository (%s) is left aside with a word: %s', async (_what, code, change) => {
    const ending = await altered(['local'], rewritten(change), () => bench.restore())
    expect(ending).toMatchObject({ outcome: 'done', report: { repositories: ['primary'] } })
    if (ending.outcome === 'done') expect(ending.report.problems.join('\n')).toMatch(new RegExp(`in local: .*${code}`))
  })

  test.each(changes)('everywhere (%s) fails the restore: %s', async (_what, code, change) => {
    const ending = await altered(['local', 'primary'], rewritten(change), () => bench.restore())
    expect(ending).toMatchObject({ outcome: 'failed', code })
    if (ending.outcome === 'failed')
      expect(ending.message).toMatch(new RegExp(`${bench.backup} in local: .*${bench.backup} in primary: `))
  })

  test('cut short everywhere fails the restore', async () => {
    const ending = await altered(
      ['local', 'primary'],
      (bytes) => bytes.subarray(0, -10),
      () => bench.restore(),
    )
    expect(ending).toMatchObject({ outcome: 'failed', code: 'MANIFEST_DAMAGED' })
  })

  test('to be that of another backup fails the restore', async () => {
    const twin = Buffer.from(await twinBytes())
    const ending = await altered(
      ['local', 'primary'],
      () => twin,
      () => bench.restore(),
    )
    expect(ending).toMatchObject({ outcome: 'failed', code: 'MANIFEST_DAMAGED' })
  })

  test('does not keep the backup before it from being restored, and the report says which one is left out', async () => {
    const { twin, stores } = bench
    const work = () => bench.restore({ target: { kind: 'latest' } })
    const cut = (bytes: Buffer) => bytes.subarray(0, -10)
    const ending = await whileChanged(stores.local, manifestKey(twin.backup), cut, () =>
      whileChanged(stores.primary, manifestKey(twin.backup), cut, work),
    )
    expect(ending).toMatchObject({ outcome: 'done', report: { backup: bench.backup } })
    if (ending.outcome === 'done') expect(ending.report.problems.join('\n')).toContain(`${twin.backup} in primary: `)
  })

  function altered<T>(
    repositories: readonly ('local' | 'primary')[],
    change: (bytes: Buffer) => Buffer,
    work: () => Promise<T>,
  ): Promise<T> {
    const key = manifestKey(bench.backup)
    return repositories.reduceRight<() => Promise<T>>(
      (inner, repository) => () => whileChanged(bench.stores[repository], key, change, inner),
      work,
    )()
  }

  async function twinBytes(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of await bench.stores.local.get(manifestKey(bench.twin.backup))) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }
})

describe('a manifest altered where encryption is off', () => {
  let bench: DamageBench

  beforeAll(async () => {
    bench = await startDamageBench({ encryption: 'off' })
  })

  afterAll(() => bench?.close())

  // Nothing vouches for an unsigned manifest but the bytes it describes.
  test('is found by the bytes it describes, and another repository can be asked for', async () => {
    const change = rewritten(otherDigest)
    const [here, there] = await whileChanged(bench.stores.local, manifestKey(bench.backup), change, async () => [
      await bench.restore(),
      await bench.restore({ repository: parseRepositoryName('primary') }),
    ])
    expect(here).toMatchObject({ outcome: 'failed', code: 'ARTIFACT_DAMAGED' })
    expect(there).toMatchObject({ outcome: 'done', report: { repositories: ['primary'] } })
  })
})

function firstArtifact(difference: Partial<StoredManifest['artifacts'][number]>): Change {
  return (manifest) => ({
    ...manifest,
    artifacts: manifest.artifacts.map((artifact, index) => (index === 0 ? { ...artifact, ...difference } : artifact)),
  })
}

/** In the form manifests have, so that it is the change that is found and not the spacing. */
function rewritten(change: Change): (bytes: Buffer) => Buffer {
  return (bytes) => Buffer.from(`${canonicalJson(change(JSON.parse(bytes.toString('utf8'))))}\n`)
}
