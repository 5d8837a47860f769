import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { lsnToBytes } from '../../src/domain/lsn.js'
import { planRecovery, type RecoveryDecision } from '../../src/domain/plan-recovery.js'
import type { RestoreTarget } from '../../src/domain/recovery-target.js'
import { recoveryWindow } from '../../src/domain/recovery-window.js'
import { parseSegmentName } from '../../src/domain/wal.js'
import {
  type ClusterHistory,
  damagedHistories,
  evidenceOf,
  lsnAt,
  manifestsOf,
  momentAt,
  wholeHistories,
} from './cluster-history.js'
import { baseForPosition, baseForSeconds } from './window-oracle.js'

const runs = { numRuns: process.env.HOLDFAST_TEST_LONG === '1' ? 1000 : 50, seed: 20260110 }
const repository = parseRepositoryName('local')

describe('the recovery window of a random cluster with a random archive', () => {
  test('has every moment and position the oracle can reach, from the same base and with files that are there, and no other', () => {
    fc.assert(
      fc.property(damagedHistories, (history) => {
        for (const { timeline, target, expected } of questionsTo(history)) {
          const decision = decide(history, target, timeline)
          const chosen = decision.outcome === 'chosen' ? decision.manifest.stoppedAt : undefined
          const manifest = expected === undefined ? undefined : manifestsOf(history)[expected]
          expect({ timeline, target, chosen }).toEqual({ timeline, target, chosen: manifest?.stoppedAt })
          if (decision.outcome === 'chosen') expectWholePieces(history, decision)
        }
      }),
      runs,
    )
  })

  test('is whole where everything was archived: from the first backup to the last mark', () => {
    fc.assert(
      fc.property(wholeHistories, (history) => {
        const window = recoveryWindow(evidenceOf(history))
        expect(window.gaps).toEqual([])
        const { earliest, latest } = window
        if (earliest !== undefined && latest !== undefined)
          expect(Date.parse(earliest.at)).toBeLessThanOrEqual(Date.parse(latest.at))
      }),
      runs,
    )
  })

  test('never grows when an object is lost, a base is gone or a mark is missing', () => {
    fc.assert(
      fc.property(damagedHistories, fc.nat(), fc.constantFrom('files', 'bases', 'marks'), (history, at, what) => {
        const lost = without(history, what, at)
        for (const { timeline, target } of questionsTo(history)) {
          if (decide(lost, target, timeline).outcome === 'chosen')
            expect(decide(history, target, timeline).outcome).toBe('chosen')
        }
      }),
      runs,
    )
  })

  test('does not depend on the order of the listing, nor on objects that are listed twice', () => {
    fc.assert(
      fc.property(damagedHistories, fc.integer(), (history, rotation) => {
        const turn = Math.abs(rotation) % Math.max(history.files.length, 1)
        const shuffled = { ...history, files: [...history.files.slice(turn), ...history.files.slice(0, turn)].toReversed() }
        const twice = { ...shuffled, files: [...shuffled.files, ...shuffled.files.filter(({ kind }) => kind !== 'history')] }
        const window = recoveryWindow(evidenceOf(history))
        expect(recoveryWindow(evidenceOf(shuffled))).toEqual(window)
        expect(recoveryWindow(evidenceOf(twice))).toEqual(window)
      }),
      runs,
    )
  })
})

interface Question {
  readonly timeline: number
  readonly target: RestoreTarget
  readonly expected: number | undefined
}

/** On the way to each timeline: every position, and every second, from before the beginning to behind the end. */
function questionsTo(history: ClusterHistory): Question[] {
  const last = Math.max(...history.timelines.map(({ end }) => end))
  const lastSecond = Math.max(...history.timelines.map(({ startedAt, begin, end }) => startedAt + end - begin))
  return history.timelines.flatMap(({ id: timeline }) => [
    ...Array.from({ length: Math.ceil(last / 3) + 2 }, (_, index) => index * 3).map((position) => ({
      timeline,
      target: { kind: 'lsn', lsn: lsnAt(position, history.segmentSizeBytes) } as const,
      expected: baseForPosition(history, position, timeline),
    })),
    ...Array.from({ length: Math.ceil(lastSecond / 2) + 4 }, (_, index) => index * 2).map((seconds) => ({
      timeline,
      target: { kind: 'time', time: momentAt(seconds) } as const,
      expected: baseForSeconds(history, seconds, timeline),
    })),
  ])
}

const decisions = new WeakMap<ClusterHistory, ReturnType<typeof recoveryWindow>>()

function decide(history: ClusterHistory, target: RestoreTarget, timeline: number): RecoveryDecision {
  const window = decisions.get(history) ?? recoveryWindow(evidenceOf(history))
  decisions.set(history, window)
  return planRecovery({ candidates: [{ repository, distance: 0, window, manifests: manifestsOf(history) }], target, timeline })
}

function expectWholePieces(
  history: ClusterHistory,
  { manifest, recovery }: Extract<RecoveryDecision, { outcome: 'chosen' }>,
): void {
  const { segmentSizeBytes } = history
  if ('dumps' in manifest.facts) throw new TypeError('a dump was chosen')
  const stop = lsnToBytes(manifest.facts.stopLsn)
  let next = Number(stop / BigInt(segmentSizeBytes))
  for (const { timeline, firstSegment, lastSegment } of recovery.pieces) {
    const [first, last] = [firstSegment, lastSegment].map((name) => Number(parseSegmentName(name, segmentSizeBytes).number))
    expect(first).toBe(next)
    for (; next <= (last ?? -1); next++) {
      const kinds = history.files.filter((file) => file.timeline === timeline && file.number === next).map(({ kind }) => kind)
      expect(kinds).toContain(lastSegment === recovery.lastFile?.file && next === last ? recovery.lastFile.kind : kinds[0])
    }
  }
  expect(recovery.pieces.at(-1)?.lastSegment).toBe(recovery.lastFile?.file)
  expect(recovery.pieces[0]?.firstSegment).toBe(recovery.firstSegment)
  const reach = recovery.lastFile === undefined ? stop : BigInt(next) * BigInt(segmentSizeBytes)
  expect(lsnToBytes(recovery.endLsn) <= (reach > stop ? reach : stop)).toBe(true)
}

/** One of two contents is no loss but a clearing up: those stay. */
function without(history: ClusterHistory, what: 'files' | 'bases' | 'marks', at: number): ClusterHistory {
  const items: readonly unknown[] = history[what]
  const index = at % Math.max(items.length, 1)
  const file = history.files[index]
  if (what === 'files' && file !== undefined && isTwin(history, index)) return history
  return { ...history, [what]: items.filter((_, other) => other !== index) }
}

function isTwin({ files }: ClusterHistory, index: number): boolean {
  const file = files[index]
  return files.some(
    (other, place) =>
      place !== index &&
      other.kind === file?.kind &&
      other.timeline === file.timeline &&
      other.number === file.number &&
      other.end === file.end,
  )
}
