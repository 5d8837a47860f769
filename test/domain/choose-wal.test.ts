import { expect, test } from 'vitest'
import { chooseWalCopies, type WalCopy } from '../../src/domain/choose-wal.js'
import { parseObjectKey, parseRepositoryName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import { walHashOf } from '../../src/domain/wal.js'

const file = '000000010000000000000005'
const repository = parseRepositoryName('local')
const systemIdentifier = '7593412345678901234'
const endLsn = parseLsn('0/6000000')

function partial(end: string): WalCopy {
  const hash = walHashOf(end.replace(/\D/g, '').padEnd(64, '0'))
  const stored = { encrypted: false, key: parseObjectKey(`shop/wal/${end}`), sizeBytes: 1, storedAt: new Date(0) }
  return { repository, object: { kind: 'partial', file, endLsn: parseLsn(end), systemIdentifier, hash, ...stored } }
}

test('a part that reaches the end of its segment is as good as the segment, where more WAL follows it', () => {
  const [short, full] = [partial('0/5800000'), partial('0/6000000')]
  expect(chooseWalCopies(file, [short, full], { systemIdentifier, endLsn, isLast: false })).toEqual([full])
})

test('a shorter part is a gap where more WAL follows it, and the longest will do where none does', () => {
  const [short, longer] = [partial('0/5800000'), partial('0/5900000')]
  const question = { systemIdentifier, endLsn }
  expect(() => chooseWalCopies(file, [short, longer], { ...question, isLast: false })).toThrow('only a part of')
  expect(chooseWalCopies(file, [short, longer], { ...question, isLast: true })).toEqual([longer])
})
