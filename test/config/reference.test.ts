import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { renderReference } from '../../scripts/configuration-reference.js'
import type { HostFacts } from '../../src/config/host-facts.js'
import { parseConfig } from '../../src/config/parse-config.js'
import { configSchema } from '../../src/config/schema.js'

const page = resolve('docs/configuration.md')
const facts: HostFacts = { hostName: 'db1', homeDirectory: '/root', userId: 0, userName: 'root', currentDirectory: '/' }

test('the reference of keys is what the schema says', async () => {
  const text = await readFile(page, 'utf8')
  const fresh = text.replace(
    /(<!-- keys: .*-->\n)[\s\S]*(<!-- end of keys -->)/,
    (_, begin, end) => `${begin}\n${reference()}\n\n${end}`,
  )
  if (process.env.UPDATE_DOCS === '1') await writeFile(page, fresh)
  else expect(text, 'run UPDATE_DOCS=1 npx vitest run test/config/reference.test.ts').toBe(fresh)
})

test('every key of the reference has a type', () => {
  const untyped = reference()
    .split('\n')
    .filter((line) => / \| keys below \| \*\*required\*\* \| {2}\|$/.test(line))
  expect(untyped).toEqual([])
})

test.each([
  ['the example on the page', async () => /```yaml\n([\s\S]*?)```/.exec(await readFile(page, 'utf8'))?.[1] ?? ''],
  ['config/holdfast.example.yaml', () => readFile(resolve('config/holdfast.example.yaml'), 'utf8')],
])('%s is valid', async (_, read) => {
  expect(Object.keys(parseConfig(await read(), '/etc/holdfast/holdfast.yaml', facts).systems)).toEqual(['avi5'])
})

function reference(): string {
  return renderReference(configSchema)
}
