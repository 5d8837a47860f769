import { beforeAll, describe, expect, test } from 'vitest'
import { type Finding, lintSample } from './lint-sample.js'
import { rooms, temporalRooms } from './rooms.js'

const names = Object.keys(rooms)
const packages = ['zod', 'pino', 'execa', 'node:fs', 'node:child_process', '@temporalio/client', '@temporalio/workflow']
const restricted = 'lint/style/noRestrictedImports'

/** A file that imports from every room and every package above, one a line: line numbers tell the finding. */
function importsFrom(up: string): string {
  const sources = [...names.map((name) => `${up}${name}/sample.js`), ...packages]
  return `${sources.map((source, index) => `import type { T${index} } from '${source}'`).join('\n')}\n`
}

function mayUse(room: string, name: string): boolean {
  if (room === 'domain') return false
  if (room === 'workflows') return name === '@temporalio/workflow'
  if (name === 'execa' || name === 'node:child_process') return room === 'process'
  return !name.startsWith('@temporalio/') || temporalRooms.includes(room)
}

describe.each([
  ['src/%/sample.ts', '../'],
  ['src/%/nested/sample.ts', '../../'],
])('in a file like %s', (pattern, up) => {
  let findings: Finding[] = []

  beforeAll(async () => {
    const fileOf = (room: string) => pattern.replace('%', room)
    findings = await lintSample(Object.fromEntries(names.map((room) => [fileOf(room), importsFrom(up)])))
  })

  const refusedLines = (room: string) =>
    findings.filter(({ file, rule }) => file === pattern.replace('%', room) && rule === restricted).map(({ line }) => line)

  test.each(names)('%s imports the rooms it may, and no other', (room) => {
    const refused = names.filter((_, index) => refusedLines(room).includes(index + 1))
    const allowed = [...(rooms[room] ?? []), ...typesOnly(room), room]
    expect(refused).toEqual(names.filter((name) => !allowed.includes(name)))
  })

  test.each(names)('%s uses the packages it may, and no other', (room) => {
    const refused = packages.filter((_, index) => refusedLines(room).includes(names.length + index + 1))
    expect(refused).toEqual(packages.filter((name) => !mayUse(room, name)))
  })
})

function typesOnly(room: string): readonly string[] {
  return { workflows: ['activities'], starters: ['workflows'] }[room] ?? []
}

describe.each([
  ['workflows', 'activities'],
  ['starters', 'workflows'],
])('%s takes from %s', (room, other) => {
  test.each([
    ['a type', `import type { T } from '../${other}/a.js'`, 'accepted'],
    ['the type of a re-export', `export type { T } from '../${other}/a.js'`, 'accepted'],
    ['a value', `import { t } from '../${other}/a.js'`, 'refused'],
    ['a value, from a nested file', `import { t } from '../../${other}/a.js'`, 'refused'],
    ['an inline type, which still loads the module', `import { type T } from '../${other}/a.js'`, 'refused'],
    ['a namespace', `import * as t from '../${other}/a.js'`, 'refused'],
    ['a side effect', `import '../${other}/a.js'`, 'refused'],
    ['a re-exported value', `export { t } from '../${other}/a.js'`, 'refused'],
    ['everything', `export * from '../${other}/a.js'`, 'refused'],
  ])('%s', async (_, statement, verdict) => {
    const findings = await lintSample({ [`src/${room}/sample.ts`]: `${statement}\n` })
    expect(findings.some(({ rule }) => rule === 'plugin') ? 'refused' : 'accepted').toBe(verdict)
  })
})

test('the catalogue knows the contract of a store and no adapter', async () => {
  const text = "import type { Store } from '../storage/store.js'\nimport type { S } from '../storage/s3-store.js'\n"
  const findings = await lintSample({ 'src/catalog/sample.ts': text })
  expect(findings.filter(({ rule }) => rule === restricted).map(({ line }) => line)).toEqual([2])
})
