import { tmpdir } from 'node:os'
import { Connection } from '@temporalio/client'
import { expect, inject, test } from 'vitest'
import { needTemporal } from './need-temporal.js'

test('tests find the Temporal server of the run, with our search attributes', async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') })
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' })
  await connection.close()
  const names = ['HoldfastBackup', 'HoldfastOperation', 'HoldfastOutcome', 'HoldfastSystem']
  expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(names))
})

test('temporary files of tests go where the run removes them', () => {
  expect(tmpdir()).toBe(process.env.HOLDFAST_TEST_RUN)
})

test.each([
  [['/c/test/domain/a.test.ts'], false],
  [['/c/test/domain/a.test.ts', '/c/test/jobs/b.test.ts'], false],
  [['/c/test/domain/a.test.ts', '/c/test/workflows/b.test.ts'], true],
  [['/c/test/brand-new/a.test.ts'], true],
  [[], false],
])('a run of %j starts a server: %s', (files, expected) => {
  expect(needTemporal(files, '/c/test')).toBe(expected)
})
