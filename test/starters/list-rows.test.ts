import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/parse-config.js'
import { parseRepositoryName } from '../../src/domain/ids.js'
import type { Manifest } from '../../src/domain/manifest.js'
import { describeList } from '../../src/starters/describe-list.js'
import { toRows } from '../../src/starters/list-rows.js'
import type { CopySeen, Survey } from '../../src/starters/survey-catalogs.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { facts, sampleLines } from '../config/sample.js'

const local = parseRepositoryName('local')
const primary = parseRepositoryName('primary')
const config = parseConfig(sampleLines.join('\n'), '/etc/holdfast/holdfast.yaml', facts)
const manifest: Manifest = sampleManifest()
const whole = (repository: CopySeen['repository']): CopySeen => ({ repository, state: 'committed', manifest })
const damaged: CopySeen = { repository: primary, state: 'damaged', code: 'MANIFEST_DAMAGED', message: 'its HMAC is wrong' }

function rowOf(copies: readonly CopySeen[], unread: Survey['unread'] = []) {
  const [row] = toRows({ backups: [{ backup: manifest.backup, copies }], unread }, config)
  if (row === undefined) throw new Error('no row')
  return row
}

test('a backup in every repository of its system is not degraded', () => {
  expect(rowOf([whole(primary), whole(local)])).toMatchObject({
    degraded: false,
    repositories: [
      { repository: local, state: 'committed' },
      { repository: primary, state: 'committed' },
    ],
  })
})

test('a backup that a repository of its system lacks is degraded', () => {
  const row = rowOf([whole(local)])
  expect(row).toMatchObject({ degraded: true, repositories: [{}, { repository: primary, state: 'missing' }] })
  expect(describeList([row])).toMatch(/local DEGRADED\n(.*\n)*? {4}not in primary\n/)
})

test('of a repository that cannot be read nothing is claimed', () => {
  const unread = [{ repository: primary, code: 'STORE_UNAVAILABLE', message: 'away', hint: '' }] as const
  expect(rowOf([whole(local)], unread)).toMatchObject({ degraded: false, repositories: [{}, { state: 'unknown' }] })
})

test('a damaged manifest is told with its reason, and its backup is degraded', () => {
  const row = rowOf([whole(local), damaged])
  expect(row.degraded).toBe(true)
  expect(describeList([row])).toContain('    DAMAGED in primary: its HMAC is wrong (MANIFEST_DAMAGED)\n')
})

test('a backup without a readable manifest is listed all the same', () => {
  const row = rowOf([damaged])
  expect(row).not.toHaveProperty('storedBytes')
  expect(describeList([row])).toMatch(/\? +\? +\? +nowhere whole DEGRADED/)
})

test('the table fits 80 columns and has no blanks at the ends of lines', () => {
  const lines = describeList([rowOf([whole(local), whole(primary)]), rowOf([whole(local)])]).split('\n')
  expect(lines.filter((line) => line.length > 79 || line.endsWith(' '))).toEqual([])
})
