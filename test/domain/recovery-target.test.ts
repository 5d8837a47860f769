import { describe, expect, test } from 'vitest'
import { formatRestoreTarget, parseRestoreTarget } from '../../src/domain/recovery-target.js'

describe('the target of a restore', () => {
  test.each([
    ['latest', { kind: 'latest' }],
    ['2026-01-10T03:30:00Z', { kind: 'time', time: '2026-01-10T03:30:00.000Z' }],
    ['2026-01-10 04:30:00.5+01', { kind: 'time', time: '2026-01-10T03:30:00.500Z' }],
    ['2026-01-10T03:30-03:30', { kind: 'time', time: '2026-01-10T07:00:00.000Z' }],
    ['time:2026-01-10T03:30:00.123456Z', { kind: 'time', time: '2026-01-10T03:30:00.123456Z' }],
    ['lsn:16/b374d848', { kind: 'lsn', lsn: '16/B374D848' }],
    ['xid:4711', { kind: 'xid', xid: '4711' }],
    ['name:before the migration: 7', { kind: 'name', name: 'before the migration: 7' }],
    ['backup:avi5_full_2026-01-10T03-00-00Z', { kind: 'backup', backup: 'avi5_full_2026-01-10T03-00-00Z' }],
    ['avi5_full_2026-01-10T03-00-00Z', { kind: 'backup', backup: 'avi5_full_2026-01-10T03-00-00Z' }],
  ] as const)('%j is read, and written so that it can be read again', (text, target) => {
    expect(parseRestoreTarget(text)).toEqual(target)
    expect(parseRestoreTarget(formatRestoreTarget(parseRestoreTarget(text)))).toEqual(target)
  })

  test.each([
    ['2026-01-10T03:30:00', 'has no time zone'],
    ['2026-01-10 03:30', 'has no time zone'],
    ['2026-02-30T03:30:00Z', 'is not a time'],
    ['2026-01-10T25:00:00Z', 'is not a time'],
    ['2026-01-10T03:30:00.1234567Z', 'is not a time'],
    ['yesterday', 'is not a target'],
    ['', 'is not a target'],
    ['lsn:16', 'is not an LSN'],
    ['xid:-1', 'is not a transaction id'],
    ['xid:4294967296', 'is not a transaction id'],
    ['name:', 'is not the name of a restore point'],
    [`name:${'ü'.repeat(32)}`, 'is not the name of a restore point'],
    ['name:a\nb', 'is not the name of a restore point'],
    ['backup:avi5', 'is not the id of a backup'],
  ])('%j is refused: %s', (text, words) => {
    expect(() => parseRestoreTarget(text)).toThrow(words)
  })

  test('a time without a zone is told how to be written', () => {
    expect(() => parseRestoreTarget('2026-01-10T03:30:00')).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        hint: 'write 2026-01-10T03:30:00Z for UTC, or the offset, like 2026-01-10T03:30:00+01:00',
      }),
    )
  })
})
