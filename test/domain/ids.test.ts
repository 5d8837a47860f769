import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../../src/domain/errors.js'
import {
  backupIdFor,
  backupKinds,
  describeBackupId,
  namePattern,
  parseBackupId,
  parseCrc32,
  parseObjectKey,
  parseSha256,
  parseSystemName,
} from '../../src/domain/ids.js'

const invalidName = expect.objectContaining({ code: 'INVALID_NAME' })
const names = fc.stringMatching(namePattern).map(parseSystemName)
const moments = fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })

describe('the id of a backup', () => {
  test('gives back system, kind and time to the second', () => {
    fc.assert(
      fc.property(names, fc.constantFrom(...backupKinds), moments, (system, kind, moment) => {
        const time = `${moment.toISOString().slice(0, 19)}Z`
        const id = backupIdFor(system, kind, moment)
        expect(describeBackupId(parseBackupId(id))).toEqual({ system, kind, time })
      }),
    )
  })

  test('keeps a system whose name looks like an id apart', () => {
    const id = backupIdFor(parseSystemName('a_full_b_logical'), 'full', new Date('2026-01-10T03:00:00Z'))
    expect(describeBackupId(id)).toMatchObject({ system: 'a_full_b_logical', kind: 'full' })
  })

  test.each([
    '',
    'avi5',
    'avi5_full_2026-01-10',
    'avi5_full_2026-01-10T03:00:00Z',
    'avi5_weekly_2026-01-10T03-00-00Z',
    'AVI5_full_2026-01-10T03-00-00Z',
    '_full_2026-01-10T03-00-00Z',
    'avi5_full_2026-13-10T03-00-00Z',
    'avi5_full_2026-02-30T03-00-00Z',
    'avi5_full_2026-01-10T24-00-00Z',
    'avi5_full_2026-01-10T03-00-60Z',
    '../avi5_full_2026-01-10T03-00-00Z',
    'avi5_full_2026-01-10T03-00-00Z\n',
    `${'x'.repeat(64)}_full_2026-01-10T03-00-00Z`,
  ])('%j is refused', (text) => {
    expect(() => parseBackupId(text)).toThrow(invalidName)
  })
})

describe('a name', () => {
  test.each(['a', '0', 'avi5', 'my-postgres_restored', 'x'.repeat(63)])('%j is taken', (text) => {
    expect(parseSystemName(text)).toBe(text)
  })

  test.each(['', '-a', '_holdfast', 'A', 'a b', 'a/b', 'a.b', 'ä', 'a\n', 'x'.repeat(64)])('%j is refused', (text) => {
    expect(() => parseSystemName(text)).toThrow(invalidName)
  })
})

describe('a key', () => {
  test.each(['a', 'a/b/c.json', 'ü/ä', 'a b', 'a+%20', '...'])('%j is taken', (text) => {
    expect(parseObjectKey(text)).toBe(text)
  })

  test.each(['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a\\b', 'a\u0000', 'a\n', 'a\u007f', 'x'.repeat(1001)])(
    '%j is refused',
    (text) => {
      expect(() => parseObjectKey(text)).toThrow(invalidName)
    },
  )
})

describe('a digest', () => {
  test('is lower-case hex of the right length', () => {
    expect(parseSha256('0a'.repeat(32))).toBe('0a'.repeat(32))
    expect(parseCrc32('0badcafe')).toBe('0badcafe')
    for (const text of ['', '0A'.repeat(32), '0a'.repeat(31), `${'0a'.repeat(32)}\n`])
      expect(() => parseSha256(text)).toThrow(HoldfastError)
    for (const text of ['', '0BADCAFE', 'badcafe', '00badcafe']) expect(() => parseCrc32(text)).toThrow(HoldfastError)
  })
})
