import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { errorCodes, exitStatusOf } from '../../src/domain/errors.js'

test('docs/operations.md tells the exit status of every code', async () => {
  const text = await readFile('docs/operations.md', 'utf8')
  const [, section = ''] = text.split('\n## Exit statuses\n')
  const told = [...section.matchAll(/^\| (\d+) \|[^|]*\|([^|]*)\|$/gm)].flatMap(([, status, codes = '']) =>
    [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => `${code} ${status}`),
  )
  expect(told.toSorted()).toEqual(errorCodes.map((code) => `${code} ${exitStatusOf(code)}`).toSorted())
})
