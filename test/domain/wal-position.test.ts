import { expect, test } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { firstTimeline, type TimelineHistory } from '../../src/domain/timeline-history.js'
import { forgettable, guardedFrom, planWalStart, type WalPosition } from '../../src/domain/wal-position.js'

const segmentSizeBytes = 2 ** 24
const at = (timeline: number, lsn: string): WalPosition => ({ timeline, lsn: parseLsn(lsn) })
/** Left timeline 1 at 0/6500000. */
const second: TimelineHistory = { timeline: 2, ancestors: [{ timeline: 1, endLsn: parseLsn('0/6500000'), reason: '' }] }

test.each<[string, WalPosition | undefined, string, TimelineHistory, WalPosition | undefined]>([
  ['a new spool begins with the segment of the guard', undefined, '0/1500718', firstTimeline, at(1, '0/1000000')],
  ['where it was', at(1, '0/7000000'), '0/3000000', firstTimeline, at(1, '0/7000000')],
  ['a guard before the fork is of the timeline before', undefined, '0/5000028', second, at(1, '0/5000000')],
  ['a guard in the segment of the fork begins on the timeline before', undefined, '0/6600000', second, at(1, '0/6000000')],
  ['a guard after it does not', undefined, '0/8000000', second, at(2, '0/8000000')],
  ['to the fork first, where it was not reached', at(1, '0/6000000'), '0/1000000', second, at(1, '0/6000000')],
  ['from the fork, where the old primary had more', at(1, '0/8000000'), '0/1000000', second, at(2, '0/6000000')],
  [
    'on the new timeline, where the fork is at the end of a segment',
    at(1, '0/6000000'),
    '0/1000000',
    { timeline: 2, ancestors: [{ timeline: 1, endLsn: parseLsn('0/6000000'), reason: '' }] },
    at(2, '0/6000000'),
  ],
  ['a server that went back is refused', at(2, '0/7000000'), '0/1000000', firstTimeline, undefined],
  [
    'another branch is received from the guard on',
    at(2, '0/9000000'),
    '0/5000000',
    { timeline: 3, ancestors: [{ timeline: 1, endLsn: parseLsn('0/7000000'), reason: '' }] },
    at(1, '0/5000000'),
  ],
])('receiving goes on: %s', (_, received, guard, history, expected) => {
  const plan = planWalStart({ received, flushedLsn: parseLsn('0/A000000'), guardLsn: parseLsn(guard), history, segmentSizeBytes })
  expect(plan.outcome === 'start' ? plan.from : undefined).toEqual(expected)
})

test('a server that has less of its own timeline than was received is another one', () => {
  const question = { received: at(1, '0/7000000'), guardLsn: parseLsn('0/1500718'), history: firstTimeline, segmentSizeBytes }
  expect(planWalStart({ ...question, flushedLsn: parseLsn('0/6FFFFFF') })).toMatchObject({
    outcome: 'refused',
    message:
      'the server is at 0/6FFFFFF of timeline 1, and was received up to 0/7000000 before: it was set back without a timeline of its own',
  })
  expect(planWalStart({ ...question, flushedLsn: parseLsn('0/7000000') }).outcome).toBe('start')
})

test('nor one that has less than was received of the segment behind that', () => {
  const question = { received: at(1, '0/7000000'), guardLsn: parseLsn('0/1500718'), history: firstTimeline, segmentSizeBytes }
  const plan = (flushed: string) =>
    planWalStart({ ...question, partialEnd: parseLsn('0/7000400'), flushedLsn: parseLsn(flushed) }).outcome
  expect([plan('0/70003FF'), plan('0/7000400')]).toEqual(['refused', 'start'])
})

test.each([
  ['of the timeline before, where the fork is behind it', '0/5123456', second, at(1, '0/5000000')],
  ['of its own, else', '0/7123456', second, at(2, '0/7000000')],
])('what a server keeps is %s', (_, guard, history, expected) => {
  expect(guardedFrom({ guardLsn: parseLsn(guard), history, segmentSizeBytes })).toEqual(expected)
})

test.each([
  ['what is held of its own timeline', at(1, '0/7000000'), firstTimeline, '0/7000000'],
  ['no more than the fork, of one it left', at(1, '0/8000000'), second, '0/6500000'],
  ['nothing of a timeline it does not know', at(3, '0/8000000'), second, undefined],
])('a server may forget %s', (_, held, history, expected) => {
  expect(forgettable(held, history)).toBe(expected)
})
