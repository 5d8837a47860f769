import { expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import { parseSystemName } from '../../src/domain/ids.js'
import { parseLsn } from '../../src/domain/lsn.js'
import type { SpoolState } from '../../src/jobs/wal/spool.js'
import { takeStock } from '../../src/jobs/wal/take-stock.js'

const origin = { timeline: 2, lsn: parseLsn('0/800000') }
const state: SpoolState = {
  ...{ version: 1, id: 'one', systemIdentifier: '7', segmentSizeBytes: 2 ** 20, origin, received: origin, histories: [] },
}

function positionWith(files: readonly string[], systemIdentifier = '7') {
  async function* list() {
    for (const file of files) yield { kind: 'segment', file, systemIdentifier }
  }
  const catalog = { wal: { list } } as unknown as Catalog
  return takeStock(catalog, parseSystemName('shop'), state, {}).then(({ position }) => position)
}

test.each([
  ['is empty begins with the spool', [], origin],
  ['ends before it has a gap', ['000000020000000000000004', '000000020000000000000005'], { timeline: 2, lsn: '0/600000' }],
  ['ends on the timeline before has a gap, too', ['000000010000000000000005'], { timeline: 1, lsn: '0/600000' }],
  ['holds more than the spool has none', ['000000020000000000000005', '000000020000000000000009'], origin],
  ['holds more of a timeline that was left has none', ['000000010000000000000009'], origin],
])('a repository that %s', async (_, files, expected) => {
  expect(await positionWith(files)).toEqual(expected)
})

test('another cluster under the name of the system is refused', async () => {
  await expect(positionWith(['000000010000000000000005'], '8')).rejects.toMatchObject({ code: 'WAL_FOREIGN' })
})
