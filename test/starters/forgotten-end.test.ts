import { resolve } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const ending = resolve('dist/starters/forgotten-end.js')
const forgets = 'new Promise(() => {})'

test('a command that waits for what never comes fails, and tells a person', async () => {
  const stderr = expect.stringContaining('cannot come any more')
  expect(await run('person', forgets)).toMatchObject({ exitCode: 1, stdout: '', stderr })
})

test('a command that waits for what never comes fails, and tells a program', async () => {
  const { exitCode, stdout } = await run('program', forgets)
  expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 1, error: { code: 'INTERNAL' } })
})

test('a command that ends keeps its status', async () => {
  expect(await run('person', 'process.exit()')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
})

function run(audience: 'person' | 'program', last: string) {
  const script = `import('${ending}').then(({ failWhenForgotten }) => { failWhenForgotten('${audience}'); ${last} })`
  return execa(process.execPath, ['-e', script], { reject: false })
}
