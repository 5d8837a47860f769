import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { artifactKey } from '../../src/catalog/keys.js'
import type { Artifact, ArtifactRole } from '../../src/domain/manifest.js'
import { type ArtifactDamage, artifactDamages, damaged, whileChanged } from './damage.js'
import { type DamageBench, startDamageBench } from './damage-bench.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const roles: readonly ArtifactRole[] = ['base', 'tablespace', 'wal', 'backup-manifest', 'configuration', 'inventory']

const isLong = process.env.HOLDFAST_TEST_LONG === '1'

interface Extent {
  readonly nearest: readonly ArtifactDamage[]
  readonly everywhere: readonly { readonly role: ArtifactRole; readonly damage: ArtifactDamage }[]
}

/** All kinds of damage, each to another role: how an artifact is read does not depend on its role. */
const encrypted: Extent = {
  nearest: artifactDamages,
  everywhere: roles.flatMap((role, index) =>
    artifactDamages.filter((_, nth) => isLong || nth === index % artifactDamages.length).map((damage) => ({ role, damage })),
  ),
}

/** What encryption would find is found by digests alone. */
const plain: Extent = isLong ? encrypted : { nearest: ['altered'], everywhere: [{ role: 'base', damage: 'swapped' }] }

describe.each([
  { title: 'encrypted', settings: {}, ...encrypted },
  { title: 'with encryption off', settings: { encryption: 'off' }, ...plain },
] as const)('damage to artifacts, $title', ({ settings, nearest, everywhere }) => {
  let bench: DamageBench

  beforeAll(async () => {
    bench = await startDamageBench(settings)
  })

  afterAll(() => bench?.close())

  test('is looked for in artifacts of every role', () => {
    expect(bench.manifest.artifacts.map(({ role }) => role).toSorted()).toEqual(roles.toSorted())
  })

  test.each(nearest)('an artifact %s in the nearest repository comes from the other, and the report says so', async (damage) => {
    const ending = await damageEach(damage, ['local'], bench.manifest.artifacts, () => bench.restore())
    expect(ending).toMatchObject({ outcome: 'done', report: { repositories: ['primary'] } })
    if (ending.outcome === 'failed') return
    const problems = ending.report.problems.join('\n')
    for (const { name } of bench.manifest.artifacts)
      expect(problems).toContain(`${name} in repository local is ${wordFor(damage)}`)
  })

  test('only the artifact that is damaged comes from the other repository', async () => {
    const ending = await damageEach('altered', ['local'], ofRole('wal'), () => bench.restore())
    expect(ending).toMatchObject({ outcome: 'done', report: { repositories: ['local', 'primary'] } })
    if (ending.outcome === 'done') expect(ending.report.problems).toHaveLength(1)
  })

  test.each(everywhere)(
    'an artifact of the role $role $damage everywhere fails the restore, which names it',
    async ({ role, damage }) => {
      const ending = await damageEach(damage, ['local', 'primary'], ofRole(role), () => bench.restore())
      expect(ending).toMatchObject({ outcome: 'failed', code: damage === 'deleted' ? 'ARTIFACT_MISSING' : 'ARTIFACT_DAMAGED' })
      if (ending.outcome === 'done') return
      expect(ending.message).toContain(`${ofRole(role)[0]?.name} in repository primary is ${wordFor(damage)}`)
    },
  )

  const ofRole = (role: ArtifactRole) => bench.manifest.artifacts.filter((artifact) => artifact.role === role)

  function damageEach<T>(
    damage: ArtifactDamage,
    repositories: readonly ('local' | 'primary')[],
    artifacts: readonly Artifact[],
    work: () => Promise<T>,
  ): Promise<T> {
    const { manifest, twin, stores } = bench
    const all = repositories.flatMap((repository) => artifacts.map(({ name }) => ({ store: stores[repository], name })))
    return all.reduceRight<() => Promise<T>>((inner, { store, name }) => {
      const key = artifactKey(manifest.backup, manifest.attempt, name)
      const twinKey = artifactKey(twin.backup, twin.attempt, name)
      return () => whileChanged(store, key, damaged(damage, store, twinKey), inner)
    }, work)()
  }
})

function wordFor(damage: ArtifactDamage): string {
  return damage === 'deleted' ? 'missing' : 'damaged'
}
