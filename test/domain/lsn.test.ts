import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareLsn, formatLsn, lsnToBytes, parseLsn, segmentNameAt } from '../../src/domain/lsn.js'

const positions = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })
const megabyte = 1024 * 1024

describe('an LSN', () => {
  test.each([
    ['0/0', 0n],
    ['0/1', 1n],
    ['1/0', 0x1_0000_0000n],
    ['16/B374D848', 0x16_b374_d848n],
    ['FFFFFFFF/FFFFFFFF', 0xffff_ffff_ffff_ffffn],
  ])('%s is that many bytes', (text, bytes) => {
    expect(lsnToBytes(parseLsn(text))).toBe(bytes)
    expect(formatLsn(bytes)).toBe(text)
  })

  test('is spelled as PostgreSQL spells it', () => {
    expect(parseLsn('0000000a/00ff00aa')).toBe('A/FF00AA')
  })

  test.each(['', '0', '0/', '/0', '0/0/0', 'G/0', '123456789/0', '0/123456789', '0/0 ', '-1/0', '0x1/0'])(
    '%j is refused',
    (text) => {
      expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }))
    },
  )

  test('survives text and back, and compares as its number of bytes does', () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        expect(lsnToBytes(parseLsn(formatLsn(a)))).toBe(a)
        expect(compareLsn(formatLsn(a), formatLsn(b))).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
  })
})

describe('segmentNameAt', () => {
  // As pg_walfile_name() says, which names the segment before at a boundary; here the byte at the LSN counts.
  test.each([
    [1, '0/0', 16, '000000010000000000000000'],
    [1, '0/2000028', 16, '000000010000000000000002'],
    [1, '0/FFFFFFFF', 16, '0000000100000000000000FF'],
    [1, '1/0', 16, '000000010000000100000000'],
    [26, '16/B374D848', 16, '0000001A00000016000000B3'],
    [1, '0/FFFFFFFF', 1, '000000010000000000000FFF'],
    [1, '1/0', 1024, '000000010000000100000000'],
    [1, '1/C0000000', 1024, '000000010000000100000003'],
  ])('timeline %i, %s, segments of %i MiB: %s', (timeline, lsn, size, name) => {
    expect(segmentNameAt(timeline, parseLsn(lsn), size * megabyte)).toBe(name)
  })

  test('names follow each other as positions do', () => {
    fc.assert(
      fc.property(positions, positions, fc.constantFrom(1, 2, 16, 64, 1024), (a, b, size) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const names = [low, high].map((position) => segmentNameAt(1, formatLsn(position), size * megabyte))
        expect(names[0]?.length).toBe(24)
        expect((names[0] ?? '') <= (names[1] ?? '')).toBe(true)
      }),
    )
  })
})
