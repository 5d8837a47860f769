import { expect, test } from 'vitest'
import type { ObjectKey } from '../../src/domain/ids.js'
import { type Lsn, parseLsn, segmentNameAt } from '../../src/domain/lsn.js'
import { parseWalHash } from '../../src/domain/wal.js'
import { advanceArchived, isProven } from '../../src/jobs/wal/archived-position.js'
import { inOrder, type SealedFile } from '../../src/jobs/wal/sealed-files.js'
import type { Archived, SpoolState } from '../../src/jobs/wal/spool.js'

const segmentSizeBytes = 2 ** 24
const origin = { timeline: 1, lsn: parseLsn('0/1000000') }
const state: SpoolState = {
  version: 1,
  id: 'one',
  systemIdentifier: '7',
  segmentSizeBytes,
  origin,
  received: origin,
  histories: [],
}
const nothing: Archived = { version: 1, spool: 'one', position: origin, ends: {}, gaps: [], partials: [] }

function file(timeline: number, lsn: string, endLsn?: string): SealedFile {
  const name = segmentNameAt(timeline, parseLsn(lsn), segmentSizeBytes)
  const common = { file: name, systemIdentifier: '7', hash: parseWalHash('0'.repeat(16)), sizeBytes: 1 }
  const key = `${name}${endLsn ?? ''}` as ObjectKey
  return endLsn === undefined
    ? { ...common, kind: 'segment', key }
    : { ...common, kind: 'partial', endLsn: parseLsn(endLsn), key }
}

const history: SealedFile = {
  ...file(2, '0/1000000'),
  kind: 'history',
  file: '00000002.history',
  key: 'history' as ObjectKey,
}

function advance(files: SealedFile[], there: (file: SealedFile) => boolean, before = nothing) {
  const keys = new Set(files.filter(there).map(({ key }) => key))
  return advanceArchived(before, files.toSorted(inOrder), (key) => keys.has(key), state)
}

test('files arrive in any order; what counts is how far they are there without a gap', () => {
  const files = ['0/1000000', '0/2000000', '0/3000000', '0/4000000'].map((lsn) => file(1, lsn))
  const { archived, gap } = advance(files, ({ key }) => key !== files[2]?.key)
  expect(archived.position).toEqual({ timeline: 1, lsn: '0/3000000' })
  expect(gap).toBeUndefined()
})

test('a partial segment proves what it holds, and lets nobody forget it', () => {
  const { archived } = advance([file(1, '0/1000000'), file(1, '0/2000000', '0/2345678')], () => true)
  expect(archived.position.lsn).toBe('0/2000000')
  const sample = (lsn: string) => ({ at: '', timeline: 1, lsn: lsn as Lsn })
  expect([isProven(archived, sample('0/2345678')), isProven(archived, sample('0/2345679'))]).toEqual([true, false])
})

test('what the spool has no longer is a gap', () => {
  const { archived, gap } = advance([file(1, '0/3000000')], () => true)
  expect(gap).toEqual({ from: origin, to: { timeline: 1, lsn: '0/3000000' } })
  expect(archived.position).toEqual(origin)
})

test('what was passed over is a gap before anything comes after it', () => {
  const received = { timeline: 1, lsn: parseLsn('0/3000000') }
  const partial = file(1, '0/3000000', '0/3000100')
  const look = (there: boolean) => advanceArchived(nothing, [file(1, '0/1000000'), partial], () => there, { ...state, received })
  expect(look(true).gap).toEqual({ from: { timeline: 1, lsn: '0/2000000' }, to: received })
  // Not while something is on its way: it may be what is missing.
  expect(look(false).gap).toBeUndefined()
})

test('a new timeline begins within the segment the old one ended in', () => {
  const files = [file(1, '0/1000000'), file(1, '0/2000000', '0/2500000'), history, file(2, '0/2000000')]
  const { archived, gap } = advance(files, () => true)
  expect(gap).toBeUndefined()
  expect(archived.position).toEqual({ timeline: 2, lsn: '0/3000000' })
  expect(archived.ends).toEqual({ 1: '0/2500000', 2: '0/3000000' })
})

test('a partial segment ahead of the others is no gap: they may be on their way', () => {
  const { archived, gap } = advance([file(1, '0/1000000'), file(1, '0/4000000', '0/4000100')], () => true)
  expect(gap).toBeUndefined()
  expect(archived).toMatchObject({ position: { timeline: 1, lsn: '0/2000000' }, ends: { 1: '0/2000000' } })
})
