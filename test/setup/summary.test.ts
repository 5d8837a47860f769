import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const passes = "import { expect, test } from 'vitest'\ntest('passes', () => { expect(1).toBe(1) })\n"
const reporter = resolve('test/setup/summary-reporter.ts')

test.each([
  ['passed tests alone are a success', passes, [], '1 0', 0],
  ['a failed test', `${passes}test('fails', () => { expect(1).toBe(2) })`, [], '1 1\nsample.test.ts > fails', 1],
  ['a skipped test is a failure', `${passes}test.skip('later', () => {})`, [], '1 1', 1],
  ['a test that is only planned is a failure', `${passes}test.todo('later')`, [], '1 1', 1],
  ['a file that does not load', `${passes}throw new Error('broken')`, [], '0 1\nsample.test.ts', 1],
  ['a file without tests', '', [], '0 1\nsample.test.ts', 1],
  [
    'an error nobody caught',
    `${passes}test('x', async () => { setTimeout(() => { throw new Error('late') }, 5); await new Promise((wait) => setTimeout(wait, 200)) })`,
    [],
    '2 1\nan error nobody caught: late',
    1,
  ],
  ['tests left out by name are no failure', `${passes}test('other', () => {})`, ['-t', 'passes'], '1 0', 0],
])('%s', async (_, text, args, summary, status) => {
  const directory = await mkdtemp(join(tmpdir(), 'summary-'))
  const config = `import { summaryReporter } from '${reporter}'\nexport default { test: { root: '${directory}', reporters: [summaryReporter()] } }\n`
  await writeFile(join(directory, 'vitest.config.ts'), config)
  await writeFile(join(directory, 'sample.test.ts'), text.replace("'vitest'", `'${resolve('node_modules/vitest')}'`))
  const vitest = resolve('node_modules/.bin/vitest')
  const result = await execa(vitest, ['run', '--config', join(directory, 'vitest.config.ts'), ...args], {
    cwd: directory,
    reject: false,
    env: { HOLDFAST_TEST_SUMMARY: join(directory, 'summary'), VITEST: '' },
  })
  expect({ status: result.exitCode, summary: await readFile(join(directory, 'summary'), 'utf8') }).toEqual({
    status,
    summary: `${summary}\n`,
  })
})
