import { expect, test } from 'vitest'
import { createConditions } from '../../src/domain/condition.js'
import { parseLsn } from '../../src/domain/lsn.js'
import type { WalServer } from '../../src/engines/wal-source.js'
import { watchClock } from '../../src/jobs/wal/watch-clock.js'

test('a clock of the server that is not ours is told, until it is right again', () => {
  const conditions = createConditions(
    () => new Date(),
    () => {},
  )
  const now = Date.parse('2026-01-10T03:00:00Z')
  const look = (at: string) => {
    watchClock(conditions, { label: 'db1:5432' } as WalServer, { at, timeline: 1, lsn: parseLsn('0/1') }, now)
    return conditions.list().map(({ code, message }) => `${code}: ${message}`)
  }
  expect(look('2026-01-10T03:00:59.000Z')).toEqual([])
  expect(look('2027-01-10T03:00:00.000Z')).toEqual([
    "SOURCE_UNSUITABLE: the clock of db1:5432 is more than a minute ahead of this host's",
  ])
  expect(look('2026-01-10T02:58:00.000Z')).toEqual([
    "SOURCE_UNSUITABLE: the clock of db1:5432 is more than a minute behind this host's",
  ])
  expect(look('2026-01-10T02:59:30.000Z')).toEqual([])
})
