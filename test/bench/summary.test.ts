import { expect, test } from 'vitest'
import type { ContenderName } from '../../bench/contender.js'
import { judge } from '../../bench/goals.js'
import { type Replay, type ReplayerName, summariesOf } from '../../bench/replay.js'
import type { Turn } from '../../bench/series.js'
import { median, summarise } from '../../bench/summary.js'

function turn(contender: ContenderName, backupMs: number, restoreMs: number, peakBytes: number): Turn {
  const both = { peakBytes, peakShares: {}, cpuSeconds: 1 }
  return {
    contender,
    backup: { ...both, wallMs: backupMs, storedBytes: 100, sourceCpuSeconds: 1, stepsMs: { capture: backupMs / 2 } },
    restore: { ...both, wallMs: restoreMs },
  }
}

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[7], 7],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('a summary holds medians of each contender, in the order of the tables, and the span of the times', () => {
  const turns = [turn('pgbackrest', 50, 5, 9), turn('holdfast', 30, 3, 1), turn('holdfast', 10, 1, 3), turn('holdfast', 20, 2, 2)]
  const [ours, theirs] = summarise(turns)
  expect(ours).toMatchObject({ contender: 'holdfast', runs: 3, restore: { wallMs: 2 } })
  expect(ours?.backup).toMatchObject({ wallMs: 20, wallSpanMs: [10, 30], peakBytes: 2, stepsMs: { capture: 10 } })
  expect(theirs).toMatchObject({ contender: 'pgbackrest', runs: 1 })
})

const replay = (replayer: ReplayerName, wallMs: number) => ({ replayer, wallMs })
const replays = (turns: Replay['turns']): Replay => ({ walBytes: 1, turns, summaries: summariesOf(turns) })

test('a goal is met at its limit and missed above it', () => {
  const flat = (peakBytes: number) => ({
    ...turn('holdfast', 1, 1, peakBytes),
    dataBytes: 1,
    restore: { wallMs: 1, peakBytes, peakShares: {}, cpuSeconds: 1 },
  })
  const turns = [turn('holdfast', 16, 10, 300e6), turn('pgbackrest', 32, 10, 1), turn('bound', 10, 10, 1)]
  const replayed = [replay('holdfast', 20), replay('cp', 20), replay('holdfast', 23), replay('holdfast', 26)]
  const verdicts = judge(summarise(turns), [flat(200e6), flat(401e6)], replays(replayed)).map(({ verdict }) => verdict)
  expect(verdicts).toEqual(['met', 'met', 'missed', 'met', 'missed', 'missed'])
})

test('a goal without its figures is neither', () => {
  const verdicts = judge(summarise([turn('bound', 10, 10, 1)]), [], replays([])).map(({ verdict }) => verdict)
  expect(new Set(verdicts)).toEqual(new Set(['not measured']))
})
