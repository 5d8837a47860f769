import { describe, expect, test } from 'vitest'
import { parseLsn } from '../../src/domain/lsn.js'
import { firstTimeline, lineageOf, parseTimelineHistory, timelineAt } from '../../src/domain/timeline-history.js'

const text = '1\t0/5000100\tno recovery target specified\n\n# a remark\n2\t16/B374D848\tbefore 2026-01-10 03:00:00+00\n'

describe('a history file', () => {
  test('names the ancestors, the oldest first, as PostgreSQL wrote them', () => {
    expect(parseTimelineHistory(text, 3)).toEqual({
      timeline: 3,
      ancestors: [
        { timeline: 1, endLsn: '0/5000100', reason: 'no recovery target specified' },
        { timeline: 2, endLsn: '16/B374D848', reason: 'before 2026-01-10 03:00:00+00' },
      ],
    })
  })

  test('tells which timeline wrote a byte on the way', () => {
    const history = parseTimelineHistory(text, 3)
    expect(
      ['0/0', '0/50000FF', '0/5000100', '16/B374D847', '16/B374D848'].map((lsn) => timelineAt(history, parseLsn(lsn))),
    ).toEqual([1, 1, 2, 2, 3])
    expect(lineageOf(history).map(({ timeline, begin, end }) => [timeline, begin, end])).toEqual([
      [1, 0n, 0x500_0100n],
      [2, 0x500_0100n, 0x16_b374_d848n],
      [3, 0x16_b374_d848n, undefined],
    ])
    expect(timelineAt(firstTimeline, parseLsn('FF/0'))).toBe(1)
  })

  test('of a recovery that stopped before its timeline began has nothing of that', () => {
    const history = parseTimelineHistory('1\t0/5000100\tx\n2\t0/4000000\tat restore point "a"\n', 3)
    expect(history.ancestors.at(-1)).toEqual({ timeline: 2, endLsn: '0/4000000', reason: 'at restore point "a"' })
    expect(['0/3FFFFFF', '0/4000000', '0/5000200'].map((lsn) => timelineAt(history, parseLsn(lsn)))).toEqual([1, 3, 3])
  })

  test.each([
    ['nothing', ''],
    ['what is no line of it', 'one\t0/5000100\tx\n'],
    ['a timeline twice', '1\t0/5000100\tx\n1\t0/6000000\tx\n'],
    ['timelines that go backwards', '2\t0/5000100\tx\n1\t0/6000000\tx\n'],
    ['itself', '3\t0/5000100\tx\n'],
  ])('with %s is damaged', (_, content) => {
    expect(() => parseTimelineHistory(content, 3)).toThrow(expect.objectContaining({ code: 'ARTIFACT_DAMAGED' }))
  })
})
