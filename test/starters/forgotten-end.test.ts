import { resolve } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const ending = resolve('dist/starters/forgotten-end.js')

test.each([
  ['person', 'new Promise(() => {})', { exitCode: 1, stderr: expect.stringContaining('cannot come any more'), stdout: '' }],
  ['program', 'new Promise(() => {})', { exitCode: 1, stdout: expect.stringMatching(/^{"error":{"code":"INTERNAL"/) }],
  ['person', 'process.exit()', { exitCode: 0, stderr: '', stdout: '' }],
])('a command for a %s that ends with %s', async (audience, last, expected) => {
  const script = `import('${ending}').then(({ failWhenForgotten }) => { failWhenForgotten('${audience}'); ${last} })`
  expect(await execa(process.execPath, ['-e', script], { reject: false })).toMatchObject(expected)
})
