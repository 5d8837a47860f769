import { expect, test } from 'vitest'
import { parseBackupId, parseInstanceName, parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import type { CheckResult, RestoreReport } from '../../src/domain/operations.js'
import { describeRestore } from '../../src/starters/describe-restore.js'

const passed: CheckResult = { name: 'connection', stage: 'running', outcome: 'passed', message: 'it answers' }
const refused: CheckResult = {
  name: 'statements',
  stage: 'beforeStart',
  outcome: 'not-run',
  message: 'refused by the new server: shop: ALTER TABLE ONLY a ADD CONSTRAINT b (ERROR:  relation "c" does not exist)',
}
const report: RestoreReport = {
  instance: parseInstanceName('copy'),
  system: parseSystemName('shop'),
  backup: parseBackupId('shop_full_2026-01-10T03-00-00Z'),
  repositories: [parseRepositoryName('local')],
  problems: [],
  connection: { host: '127.0.0.1', port: 15_432, socketDirectory: '/i/run' },
  dataDirectory: '/i/data',
  timeline: 2,
  checks: [passed],
  startedAt: '2026-01-10T04:00:00Z',
  endedAt: '2026-01-10T04:00:10Z',
}

test('what could not be made of a part stands on a line of its own, before the checks', () => {
  const notRun: CheckResult = { ...refused, name: 'WAL', message: 'dumps need none' }
  const lines = describeRestore({ ...report, checks: [refused, passed, notRun] }).split('\n')
  const at = lines.indexOf(`  NOT RESTORED: ${refused.message}`)
  expect(lines[at + 1]).toBe('  1 check passed; not run: WAL (dumps need none)')
})

test('who connects is told with the command, as a shell takes it', () => {
  const login = { user: 'the boss', database: 'shop' }
  expect(describeRestore({ ...report, connection: { ...report.connection, systemUser: 'postgres', login } })).toContain(
    "as the user postgres, without a password: psql -h /i/run -p 15432 -U 'the boss' -d shop\n",
  )
})

test('a report of an older worker is told as far as it goes', () => {
  expect(describeRestore(report)).toContain('connect with: psql -h 127.0.0.1 -p 15432 -U ROLE -d DATABASE')
})
