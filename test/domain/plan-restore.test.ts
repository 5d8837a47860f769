import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseBackupId, parseRepositoryName } from '../../src/domain/ids.js'
import type { Manifest } from '../../src/domain/manifest.js'
import { planRestore, type RestoreCandidate } from '../../src/domain/plan-restore.js'
import { sampleManifest } from '../catalog/sample-manifest.js'

const monday = sampleManifest({ dueAt: '2026-01-05T03:00:00Z' })
const tuesday = sampleManifest({ dueAt: '2026-01-06T03:00:00Z' })
const dump = sampleManifest({ kind: 'logical', dueAt: '2026-01-07T03:00:00Z' })
const latest = { kind: 'latest' } as const

describe('planRestore', () => {
  test('chooses the newest and reads it from the nearest, the others in reserve', () => {
    const candidates = [
      candidate('far', 9, [monday, tuesday]),
      candidate('near', 1, [monday, tuesday]),
      candidate('old', 0, [monday]),
    ]
    expect(planRestore({ candidates, target: latest })).toEqual(chosen(tuesday, ['near', 'far']))
  })

  test('calls newest what ended last, not what was due last', () => {
    const late = sampleManifest({ dueAt: '2026-01-05T03:00:00Z', stoppedAt: '2026-01-06T09:00:00Z' })
    expect(planRestore({ candidates: [candidate('local', 0, [late, tuesday])], target: latest })).toEqual(chosen(late, ['local']))
  })

  test('compares moments, not their spelling', () => {
    const precise = sampleManifest({ dueAt: '2026-01-05T03:00:00Z', stoppedAt: '2026-01-06T03:01:30.001Z' })
    const coarse = sampleManifest({ dueAt: '2026-01-06T03:00:00Z', stoppedAt: '2026-01-06T03:01:30Z' })
    expect(planRestore({ candidates: [candidate('local', 0, [coarse, precise])], target: latest })).toEqual(
      chosen(precise, ['local']),
    )
  })

  test.each([
    ['a full backup unless told otherwise', {}, monday],
    ['the newest dump where dumps are wanted', { kind: 'logical' }, dump],
    ['any backup by its id, whatever kind is wanted', { kind: 'full', target: { kind: 'backup', backup: dump.backup } }, dump],
  ] as const)('chooses %s', (_, question, expected) => {
    const older = sampleManifest({ kind: 'logical', dueAt: '2026-01-04T03:00:00Z' })
    const candidates = [candidate('local', 0, [older, monday, dump])]
    expect(planRestore({ candidates, target: latest, ...question })).toEqual(chosen(expected, ['local']))
  })

  test('prefers the highest timeline of a cluster to the newest backup, and says how to have that', () => {
    const onNew = onTimeline(2, monday)
    const ofOld = onTimeline(1, tuesday)
    const candidates = [candidate('local', 0, [onNew, ofOld])]
    expect(planRestore({ candidates, target: latest })).toEqual({
      ...chosen(onNew, ['local']),
      warnings: [
        `the newest backup, ${tuesday.backup}, is of timeline 1, and there is one of timeline 2, so it is not restored: if an old primary is back, fence it; --to backup:${tuesday.backup} restores it`,
      ],
    })
    expect(planRestore({ candidates, target: { kind: 'backup', backup: tuesday.backup } })).toEqual(chosen(ofOld, ['local']))
    const ofOther = { ...ofOld, facts: { ...ofOld.facts, systemIdentifier: '1' } }
    expect(planRestore({ candidates: [candidate('local', 0, [onNew, ofOther])], target: latest })).toEqual(
      chosen(ofOther, ['local']),
    )
  })

  test('refuses a kind that this version does not restore', () => {
    const part = { ...sampleManifest({ kind: 'incremental' }) }
    const target = { kind: 'backup', backup: part.backup } as const
    expect(planRestore({ candidates: [candidate('local', 0, [part])], target })).toMatchObject({
      outcome: 'refused',
      code: 'NOT_SUPPORTED',
    })
  })

  test('never answers with another kind than the one that is wanted', () => {
    const all = [monday, tuesday, dump]
    fc.assert(
      fc.property(fc.subarray(all), fc.constantFrom('full' as const, 'logical' as const), (manifests, kind) => {
        const plan = planRestore({ candidates: [candidate('local', 0, manifests)], target: latest, kind })
        const there = manifests.filter((manifest) => manifest.kind === kind)
        if (plan.outcome === 'refused') expect(there).toEqual([])
        else expect(plan.manifest).toBe(there.at(-1))
      }),
    )
  })

  test('passes over a backup where it is being removed, and takes it where it is not', () => {
    const candidates = [candidate('local', 0, [monday, tuesday], [tuesday]), candidate('s3', 1, [tuesday])]
    expect(planRestore({ candidates, target: latest })).toEqual(chosen(tuesday, ['s3']))
    expect(planRestore({ candidates: candidates.slice(0, 1), target: latest })).toEqual(chosen(monday, ['local']))
  })

  test('never mixes copies of which the manifests differ, and says so', () => {
    const other = sampleManifest({ dueAt: '2026-01-06T03:00:00Z', attempt: 'a2' })
    const candidates = [candidate('s3', 1, [other]), candidate('local', 0, [tuesday])]
    expect(planRestore({ candidates, target: { kind: 'backup', backup: tuesday.backup } })).toEqual({
      ...chosen(tuesday, ['local']),
      warnings: [`s3 holds another manifest of ${tuesday.backup}, which is left aside`],
    })
  })

  test.each([
    ['nothing at all', [], latest, 'there is no full backup to restore; there is none at all'],
    ['dumps alone', [candidate('local', 0, [dump])], latest, `there is no full backup to restore; there is ${dump.backup}`],
    [
      'other backups',
      [candidate('local', 0, [monday, tuesday])],
      { kind: 'backup', backup: parseBackupId('avi5_full_2026-01-01T03-00-00Z') } as const,
      `there is no backup avi5_full_2026-01-01T03-00-00Z; there is ${tuesday.backup}, ${monday.backup}`,
    ],
    [
      'what is being removed',
      [candidate('local', 0, [monday, tuesday], [tuesday])],
      { kind: 'backup', backup: tuesday.backup } as const,
      `there is no backup ${tuesday.backup} (${tuesday.backup} is being removed); there is ${monday.backup}`,
    ],
  ])('refuses where there is %s, and says what there is', (_, candidates, target, message) => {
    expect(planRestore({ candidates, target })).toEqual({ outcome: 'refused', code: 'NOT_FOUND', message })
  })

  test('does not depend on the order in which repositories and backups were listed', () => {
    const candidates = [candidate('a', 2, [monday, tuesday, dump]), candidate('b', 1, [tuesday]), candidate('c', 0, [monday])]
    const expected = planRestore({ candidates, target: latest })
    fc.assert(
      fc.property(fc.shuffledSubarray(candidates, { minLength: 3 }), (shuffled) => {
        const reversed = shuffled.map((item) => ({ ...item, manifests: item.manifests.toReversed() }))
        expect(planRestore({ candidates: reversed, target: latest })).toEqual(expected)
      }),
    )
  })
})

function onTimeline(timeline: number, manifest: Manifest): Manifest {
  return { ...manifest, facts: { ...manifest.facts, timeline } as typeof manifest.facts }
}

function candidate(
  name: string,
  distance: number,
  manifests: readonly Manifest[],
  tombstoned: readonly Manifest[] = [],
): RestoreCandidate {
  return { repository: parseRepositoryName(name), distance, manifests, tombstoned: tombstoned.map(({ backup }) => backup) }
}

function chosen(manifest: Manifest, sources: readonly string[]) {
  return { outcome: 'chosen', manifest, sources, warnings: [] }
}
