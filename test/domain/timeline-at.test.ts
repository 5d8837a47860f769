import { resolve } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { lsnToBytes, parseLsn } from '../../src/domain/lsn.js'
import type { Mark } from '../../src/domain/mark.js'
import { createMarkSieve } from '../../src/domain/mark-sieve.js'
import { planRecovery } from '../../src/domain/plan-recovery.js'
import { type RecoveryWindow, recoveryWindow } from '../../src/domain/recovery-window.js'
import { leaveOf, surroundingsOf } from '../../src/domain/timeline-at.js'
import { type ClusterHistory, evidenceOf, manifestsOf, momentAt, ours, wholeHistories } from './cluster-history.js'

const runs = { numRuns: process.env.HOLDFAST_TEST_LONG === '1' ? 1000 : 160, seed: 20260109 }

test('the few marks that a window reads tell the timeline of every moment, as all of them do', () => {
  fc.assert(
    fc.property(wholeHistories, (history) => {
      const evidence = evidenceOf(history)
      const sieve = createMarkSieve(evidence)
      const marks = evidence.marks.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))
      for (const mark of marks) sieve.add(mark)
      const few = sieve.wanted().map(([best]) => best as Mark)
      const [all, sieved] = [evidence, { ...evidence, marks: few }].map((known) => recoveryWindow(known))
      for (const time of timesOf(history)) expect(decide(history, sieved, time)).toEqual(decide(history, all, time))
    }),
    runs,
  )
})

test('a timeline that was left before the one before it began has nothing of that, and of an older one only what is before both', () => {
  const parents = [
    undefined,
    { timeline: 1, switchLsn: parseLsn('0/5000000') },
    { timeline: 2, switchLsn: parseLsn('0/3000000') },
  ]
  const timelines = parents.map((parent, index) => ({
    ...{ systemIdentifier: ours, timeline: index + 1, seen: [], current: index === 2 },
    ...(parent === undefined ? {} : { parent }),
  }))
  expect([1, 2, 3].map((timeline) => leaveOf(timeline, 3, timelines))).toEqual(['0/3000000', '0/3000000', undefined])
  expect(leaveOf(1, 2, timelines)).toBe('0/5000000')
})

test('the plain tool decides the same', async () => {
  const questions = fc.sample(wholeHistories, runs).flatMap((history) => {
    const window = recoveryWindow(evidenceOf(history))
    return timesOf(history).map((time) => ({ ...plainFacts(window), time, expected: expectedAt(window, time) }))
  })
  const known = questions.filter(({ expected }) => expected !== 'unseen')
  const { stdout } = await execa('python3', ['-B', '-c', program], {
    cwd: resolve('scripts/restore'),
    input: JSON.stringify(known),
  })
  expect(JSON.parse(stdout)).toEqual(known.map(({ expected }) => expected))
  const answers = new Set(known.map(({ expected }) => expected))
  expect([...answers]).toEqual(expect.arrayContaining(['refused', 1, 2, 3]))
})

const program = `
import json, sys
from datetime import datetime
from refusal import Refusal
from timeline_at import timeline_at

def answer(time, marks, ends, ways, **_):
    read = lambda seen: [(datetime.fromisoformat(at), timeline, lsn) for at, timeline, lsn in seen]
    ways = {int(each): {int(on): leave for on, leave in way.items()} for each, way in ways.items()}
    try:
        return timeline_at(datetime.fromisoformat(time), read(marks), read(ends), ways)
    except Refusal:
        return "refused"

print(json.dumps([answer(**question) for question in json.load(sys.stdin)]))
`

function timesOf({ timelines }: ClusterHistory): string[] {
  const last = Math.max(...timelines.map(({ startedAt, begin, end }) => startedAt + end - begin))
  return Array.from({ length: Math.ceil(last / 3) + 3 }, (_, index) => momentAt(index * 3))
}

function decide(history: ClusterHistory, window: RecoveryWindow | undefined, time: string) {
  if (window === undefined) throw new TypeError('there is no window')
  const candidates = [{ repository: parseRepositoryName('local'), distance: 0, window, manifests: manifestsOf(history) }]
  const plan = planRecovery({ candidates, target: { kind: 'time', time } })
  return plan.outcome === 'chosen' ? [plan.manifest.backup, plan.recovery.timeline] : plan.outcome
}

function expectedAt(window: RecoveryWindow, time: string): number | 'refused' | 'unseen' {
  const surroundings = surroundingsOf(time, ours, [window])
  if (surroundings === undefined) return 'unseen'
  const holders = window.timelines.map(({ timeline }) => timeline).filter((timeline) => surroundings.holds(timeline))
  return holders.length === 0 ? 'refused' : Math.max(...holders)
}

/** As the plain tool reads it from manifests, keys and histories. */
function plainFacts({ timelines, spans }: RecoveryWindow) {
  const bases = spans.flatMap((span) => span.bases)
  const wayTo = (target: number) =>
    timelines.flatMap(({ timeline }) => {
      if (timeline === target) return [[timeline, null]]
      const leave = leaveOf(timeline, target, timelines)
      return leave === undefined ? [] : [[timeline, Number(lsnToBytes(leave))]]
    })
  return {
    marks: timelines.flatMap(({ timeline, seen }) => seen.map(({ at, lsn }) => [at, timeline, Number(lsnToBytes(lsn))])),
    ends: bases.map(({ timeline, stoppedAt, stopLsn }) => [stoppedAt, timeline, Number(lsnToBytes(stopLsn))]),
    ways: Object.fromEntries(timelines.map(({ timeline }) => [timeline, Object.fromEntries(wayTo(timeline))])),
  }
}
