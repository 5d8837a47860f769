import { expect, test } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { formatLsn } from '../../src/domain/lsn.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { Mark } from '../../src/domain/mark.js'
import { planRecovery, type RecoveryCandidate } from '../../src/domain/plan-recovery.js'
import { recoveryWindow } from '../../src/domain/recovery-window.js'
import { parseTimelineHistory } from '../../src/domain/timeline-history.js'
import { createWalInventory } from '../../src/domain/wal-inventory.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { objectOf, ours, system } from './cluster-history.js'

/* A server was taken over from at segment 10.5; the new one was archived on timeline 2 until 20:00. The old one is back, and backed up. */

const size = 16 * 2 ** 20
const lsn = (segments: number) => formatLsn(BigInt(Math.floor(segments * size)))
const first = backup('2026-01-10T03:00:00.000Z', 5)
const ofOld = backup('2026-01-10T21:00:00.000Z', 10.6)
const marks = [mark(1, 9.9, '2026-01-10T09:59:00.000Z'), mark(2, 99.9, '2026-01-10T20:00:00.000Z')]

function backup(dueAt: string, start: number): Manifest {
  const sample = sampleManifest({ dueAt })
  if ('dumps' in sample.facts) throw new TypeError('the sample is no full backup')
  const facts = { ...sample.facts, systemIdentifier: ours, timeline: 1, startLsn: lsn(start), stopLsn: lsn(start + 0.1) }
  return { ...sample, stoppedAt: dueAt, facts: { ...facts, segmentSizeBytes: size } }
}

function mark(timeline: number, segments: number, at: string): Mark {
  return { formatVersion: 1, system, systemIdentifier: ours, timeline, lsn: lsn(segments), at }
}

interface Holding {
  readonly manifests: readonly Manifest[]
  readonly known?: readonly Mark[]
  /** Of timeline 2, with its history. */
  readonly archived?: 'all' | 'nothing'
  /** Number of a segment. */
  readonly missing?: number
}

function candidate(name: string, { manifests, known = marks, archived = 'all', missing }: Holding): RecoveryCandidate {
  const wal = createWalInventory(new Map([[ours, size]]))
  const segments = archived === 'all' ? 100 : 10
  for (let number = 5; number < segments; number++) {
    if (number === missing) continue
    wal.add(objectOf({ kind: 'segment', timeline: number < 10 ? 1 : 2, number, end: 0, content: 'a' }, size))
  }
  const history = parseTimelineHistory(`1\t${lsn(10.5)}\tno recovery target specified\n`, 2)
  const histories = archived === 'all' ? [{ systemIdentifier: ours, timeline: 2, history }] : []
  const now = new Date('2026-01-10T22:00:00Z')
  const window = recoveryWindow({ manifests, wal, histories, marks: known, now })
  return { repository: parseRepositoryName(name), distance: name === 'local' ? 0 : 1, window, manifests }
}

function restore(candidates: readonly RecoveryCandidate[]) {
  const plan = planRecovery({ candidates, target: { kind: 'latest' } })
  if (plan.outcome === 'refused') throw new Error(plan.message)
  return plan
}

const onNew = { timeline: 2, endLsn: lsn(99.9), endAt: '2026-01-10T20:00:00.000Z' }

test('a backup of an old primary that is back does not take the system over, and whoever restores the newest is told', () => {
  const both = candidate('local', { manifests: [first, ofOld] })
  expect(both.window.timelines.filter(({ current }) => current)).toMatchObject([{ timeline: 2 }])
  const plan = restore([both])
  expect(plan).toMatchObject({ manifest: { backup: first.backup }, recovery: onNew })
  expect(plan.warnings).toEqual([
    `the newest backup, ${ofOld.backup}, is of timeline 1, which was left for timeline 2, and is not restored: if an old primary is back, fence it; --timeline 1 restores what it holds`,
  ])
  expect(restore([candidate('local', { manifests: [first] })]).warnings).toEqual([])
})

test('nor does it where the archive has no mark of the new timeline yet', () => {
  const plan = restore([candidate('local', { manifests: [first, ofOld], known: marks.slice(0, 1) })])
  expect(plan.recovery).toMatchObject({ timeline: 2, pieces: [{ timeline: 1 }, { timeline: 2 }] })
})

test('nor in a repository that knows of no other timeline, where another does', () => {
  const stayedBehind = candidate('local', { manifests: [first, ofOld], known: marks.slice(0, 1), archived: 'nothing' })
  const plan = restore([stayedBehind, candidate('primary', { manifests: [first] })])
  expect(plan).toMatchObject({ walSources: ['primary'], recovery: onNew })
  expect(plan.warnings).toEqual([expect.stringContaining(`the newest backup, ${ofOld.backup}, is of timeline 1`)])
})

test('what lies before the promotion counts as ever: the repository that reaches furthest is taken', () => {
  const before = candidate('local', { manifests: [first], known: marks.slice(0, 1), archived: 'nothing' })
  const broken = candidate('primary', { manifests: [first], missing: 6 })
  expect(restore([broken, before])).toMatchObject({ walSources: ['local'], recovery: { timeline: 1 }, warnings: [] })
})
