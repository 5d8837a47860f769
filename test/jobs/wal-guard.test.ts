import { expect, test } from 'vitest'
import { createConditions } from '../../src/domain/condition.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import { type Lsn, parseLsn } from '../../src/domain/lsn.js'
import { firstTimeline } from '../../src/domain/timeline-history.js'
import type { Guard, WalServer, WalSource } from '../../src/engines/wal-source.js'
import { keepGuard } from '../../src/jobs/wal/keep-guard.js'
import type { SpoolState } from '../../src/jobs/wal/spool.js'

const primary = parseRepositoryName('primary')
const segmentSizeBytes = 2 ** 20
const mib = 2 ** 20
const received = { timeline: 1, lsn: parseLsn('0/800000') }
const state: SpoolState = {
  ...{ version: 1, id: 'one', systemIdentifier: '7', segmentSizeBytes, origin: received, received, histories: [] },
}
const server = { label: 'db1:5432', timeline: 1, history: firstTimeline } as WalServer

/** Of a spool of 16 MiB, with WAL received up to 0/800000 and archived up to 0/200000. @returns where the guard was moved, and what was told */
async function keep(guard: Omit<Guard, 'state' | 'restartLsn'>, isSpoolFull: boolean) {
  const moved: Lsn[] = []
  const source: Partial<WalSource> = {
    ensureGuard: async () => ({ state: 'ensured', restartLsn: parseLsn('0/100000'), ...guard }),
    advanceGuard: async (_, lsn) => void moved.push(lsn),
    guardOthers: async () => ({ failures: [], rivals: [] }),
  }
  const conditions = createConditions(
    () => new Date(),
    () => {},
  )
  const position = { timeline: 1, lsn: parseLsn('0/200000') }
  const archived = new Map([[primary, { version: 1, spool: 'one', position, ends: {}, gaps: [], partials: [] } as const]])
  const signal = new AbortController().signal
  await keepGuard({
    ...{ source: source as WalSource, server, state, archived, required: [primary], conditions, signal },
    ...{ maximumBytes: 16 * mib, isSpoolFull },
  })
  return { moved, told: conditions.list().map(({ code }) => code) }
}

test.each<[string, Omit<Guard, 'state' | 'restartLsn'>, boolean, string, string[]]>([
  ['follows the required repositories', { keptBytes: 4 * mib, safeBytes: 64 * mib }, false, '0/200000', []],
  [
    'goes to the spool when the server has kept nearly all it may',
    { keptBytes: 12 * mib, safeBytes: mib },
    false,
    '0/800000',
    ['WAL_GUARD_LOCAL'],
  ],
  ['does so without a bound of the server, too', { keptBytes: 13 * mib }, false, '0/800000', ['WAL_GUARD_LOCAL']],
  ['stays for what can still be received, however much it is', { keptBytes: 900 * mib }, false, '0/800000', ['WAL_GUARD_LOCAL']],
  ['leaves the bound to a server that has one', { keptBytes: 900 * mib, safeBytes: mib }, true, '0/800000', ['WAL_GUARD_LOCAL']],
  ['is let go further where neither server nor spool have an end', { keptBytes: 32 * mib }, true, '0/1500000', ['WAL_SLOT_LOST']],
])('the guard %s', async (_, guard, isSpoolFull, expected, codes) => {
  expect(await keep(guard, isSpoolFull)).toEqual({ moved: [expected], told: codes })
})
