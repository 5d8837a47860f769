import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareContents, renderComparison } from '../../scripts/demo/compare-contents.js'
import { readContents, readNature } from '../../scripts/demo/read-contents.js'
import { startPostgres, type TestPostgres } from '../servers/postgres.js'

let server: TestPostgres

beforeAll(async () => {
  server = await startPostgres({ major: 15 })
  await server.fillSample(2000)
  await server.sql(`create table "Odd Name" (id int); create sequence numbers; select lo_from_bytea(7001, 'large')`)
})

afterAll(() => server?.dispose())

test('a server is the same as itself, whatever the order of its rows', async () => {
  const before = await readContents(server)
  await server.sql('create table reversed as select * from sample order by id desc; drop table sample')
  await server.sql('alter table reversed rename to sample')
  const comparisons = compareContents(before, await readContents(server))
  expect(comparisons.filter(({ verdict }) => verdict !== 'same')).toEqual([])
  expect(comparisons.map(({ name }) => name)).toEqual([
    '(roles)',
    'postgres: (large objects)',
    'postgres: (schema)',
    'postgres: (sequences)',
    'postgres: public."Odd Name"',
    'postgres: public.sample',
  ])
})

test.each([
  ['a changed byte', `update sample set content = content || ' ' where id = 1234`, ['postgres: public.sample different']],
  ['a row twice', `insert into sample select * from sample where id = 1`, ['postgres: public.sample different']],
  ['a sequence that moved', `select nextval('numbers')`, ['postgres: (sequences) different']],
  ['a large object', `select lo_put(7001, 0, 'L')`, ['postgres: (large objects) different']],
  ['a role', 'create role somebody', ['(roles) different']],
  [
    'a table too few and one too many',
    'alter table "Odd Name" rename to even',
    ['postgres: (schema) different', 'postgres: public."Odd Name" missing', 'postgres: public.even additional'],
  ],
])('%s is named', async (_, change, named) => {
  const before = await readContents(server)
  await server.sql(change)
  const different = compareContents(before, await readContents(server)).filter(({ verdict }) => verdict !== 'same')
  expect(different.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(named)
})

test('the comparison is printed in columns, the differing part of a digest included', () => {
  const content = { name: 'shop: a', rows: 5, digest: '0123456789abcdef' }
  expect(renderComparison(compareContents([content], [{ ...content, rows: 12, digest: 'f' }]))).toEqual([
    '         rows  restored  digest        restored',
    'shop: a     5        12  0123456789ab  f         different',
  ])
})

test('the nature of a server: timeline, archiving, recovery', async () => {
  expect(await readNature(server)).toMatchObject({ timeline: 1, archiveMode: 'off', inRecovery: false })
})
