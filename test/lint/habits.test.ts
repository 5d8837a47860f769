import { expect, test } from 'vitest'
import { lintSample } from './lint-sample.js'

test.each([
  ['enums', 'export enum Kind { Full }', 'lint/style/noEnum'],
  ['any', 'export const value: any = 1', 'lint/suspicious/noExplicitAny'],
  ['non-null assertions', 'export const first = (list: string[]) => list[0]!', 'lint/style/noNonNullAssertion'],
  ['default exports', 'export default 1', 'lint/style/noDefaultExport'],
  ['.pipe()', 'export const join = (a: NodeJS.ReadStream, b: NodeJS.WriteStream) => a.pipe(b)', 'plugin'],
  ['barrels', "export { a } from './a.js'\nexport { b } from './b.js'", 'lint/performance/noBarrelFile'],
  ['imports without node:', "import { readFile } from 'fs'\nexport const read = readFile", 'lint/style/useNodejsImportProtocol'],
  ['thrown strings', "export const fail = () => { throw 'no' }", 'lint/style/useThrowOnlyError'],
  ['unused imports', "import { a } from './a.js'", 'lint/correctness/noUnusedImports'],
])('%s are refused', async (_, text, rule) => {
  const findings = await lintSample({ 'src/storage/sample.ts': `${text}\n` })
  expect(findings.map((finding) => finding.rule)).toContain(rule)
})

test('import cycles are refused', async () => {
  const findings = await lintSample({
    'src/storage/a.ts': "import { b } from './b.js'\nexport const a = () => b()\n",
    'src/storage/b.ts': "import { a } from './a.js'\nexport const b = (): unknown => a()\n",
  })
  expect(findings.map(({ file, rule }) => `${file} ${rule}`)).toContain('src/storage/a.ts lint/suspicious/noImportCycles')
})

test('file names are kebab-case', async () => {
  const findings = await lintSample({ 'src/storage/someThing.ts': 'export const a = 1\n' })
  expect(findings.map(({ rule }) => rule)).toContain('lint/style/useFilenamingConvention')
})

test('plain code is accepted', async () => {
  expect(await lintSample({ 'src/storage/sample.ts': 'export const partBytes = 16 * 1024 * 1024\n' })).toEqual([])
})
