import { describe, expect, test } from 'vitest'
import { markKey, parseMarkKey, parseWalKey, walKey, walName } from '../../src/catalog/wal-keys.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import { parseWalHash, type WalIdentity } from '../../src/domain/wal.js'

const system = parseSystemName('avi5')
const content = { systemIdentifier: '7593412345678901234', hash: parseWalHash('0123456789abcdef') }
const file = '000000010000000000000002'
const completedAt = new Date('2026-01-10T23:59:59.999Z')

const files: readonly [WalIdentity, string][] = [
  [{ kind: 'segment', file, ...content }, `${file}-7593412345678901234-0123456789abcdef`],
  [{ kind: 'history', file: '00000002.history', ...content }, '00000002.history-7593412345678901234-0123456789abcdef'],
  [
    { kind: 'partial', file, endLsn: parseLsn('0/2000138'), ...content },
    `${file}-0000000002000138-7593412345678901234-0123456789abcdef.partial`,
  ],
]

describe('the key of a WAL object', () => {
  test.each(files)('says what it is, and is read back: %j', (identity, name) => {
    expect(walName(identity)).toBe(name)
    for (const encrypted of [true, false]) {
      const key = walKey(system, identity, { completedAt, encrypted })
      expect(key).toBe(`avi5/wal/2026/01/10/${name}.zst${encrypted ? '.enc' : ''}`)
      expect(parseWalKey(key)).toEqual({ system: 'avi5', identity, encrypted })
    }
  })

  test.each([
    `avi5/wal/2026/01/10/${file}-7593412345678901234-0123456789abcdef`,
    `avi5/wal/2026/01/10/${file}-7593412345678901234-0123456789ABCDEF.zst`,
    `avi5/wal/2026/01/10/${file}-7593412345678901234-0123456789abcdef.partial.zst`,
    `avi5/wal/2026/01/10/${file}-0000000002000138-7593412345678901234-0123456789abcdef.zst`,
    `avi5/wal/2026/01/10/00000002.history-0000000002000138-7593412345678901234-0123456789abcdef.partial.zst`,
    `avi5/wal/2026/01/10/${file}.zst.enc`,
    `avi5/wal/${file}-7593412345678901234-0123456789abcdef.zst`,
    `deeper/avi5/wal/2026/01/10/${file}-7593412345678901234-0123456789abcdef.zst`,
    'avi5/full/2026/01/10/avi5_full_2026-01-10T03-00-00Z/manifest.json',
    '',
  ])('%j is none', (key) => {
    expect(parseWalKey(key)).toBeUndefined()
  })
})

describe('the key of a mark', () => {
  const facts = {
    systemIdentifier: '7593412345678901234',
    timeline: 26,
    lsn: parseLsn('16/B374D848'),
    at: '2026-01-10T03:15:00.007Z',
  }
  const key = 'avi5/marks/2026/01/10/2026-01-10T03-15-00.007Z-0000001A-00000016B374D848-7593412345678901234.json'

  test('says all that a mark says', () => {
    expect(markKey({ formatVersion: 1, system, ...facts })).toBe(key)
    expect(parseMarkKey(key)).toEqual(facts)
  })

  test.each([
    key.replace('2026/01/10', '2026/01/11'),
    key.replace('0000001A', '00000000'),
    key.replace('.json', ''),
    key.replace('03-15', '25-15'),
    key.replace('-7593412345678901234', ''),
  ])('%j is none', (other) => {
    expect(parseMarkKey(other)).toBeUndefined()
  })
})
