import { expect, test } from 'vitest'
import { describeOperations } from '../../src/starters/describe-operations.js'

const operation = {
  id: 'backup/shop/full',
  runId: 'r',
  operation: 'backup',
  system: 'shop',
  startedAt: '2026-01-10T03:00:00.123Z',
}
const nowMs = Date.parse('2026-01-10T03:01:00.123Z')

test('what waits is told with its obstacle, and what runs with its figures', () => {
  const progress = { step: 'capture', doneBytes: 1e6, totalBytes: 2e6 }
  const running = [
    { ...operation, outcome: 'running', steps: [{ name: 'capture', state: 'running', progress }], doing: [], obstacles: [] },
    { ...operation, id: 'restore/copy', outcome: 'running', steps: [], doing: [], obstacles: [{ key: 'x', text: 'no worker' }] },
  ] as const
  expect(describeOperations({ running, ended: [] }, nowMs).split('\n')).toEqual([
    'backup/shop/full: since 2026-01-10T03:00:00Z, for 1m 00s',
    '  capture: running (1.00 MB of 2.00 MB)',
    'restore/copy: since 2026-01-10T03:00:00Z, for 1m 00s',
    '  ! no worker',
    '',
  ])
})

test('a failure stands below its operation, with what to do, however many lines it has', () => {
  const ended = [
    {
      ...operation,
      ...{ outcome: 'failed', endedAt: '2026-01-10T03:00:02.123Z', failure: 'SOURCE_DENIED: first\nsecond', hint: 'grant it' },
    },
  ]
  expect(describeOperations({ running: [], ended }, nowMs).split('\n')).toEqual([
    'nothing is running or waiting',
    '',
    'ended:',
    '  2026-01-10T03:00:02Z  backup/shop/full: failed after 2s',
    '    SOURCE_DENIED: first',
    '    second',
    '    grant it',
    '',
  ])
})
