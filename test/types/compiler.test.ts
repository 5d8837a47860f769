import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'

test.each([
  ['accepts a duration', "import { sleep } from '@temporalio/workflow'\nvoid sleep('5 minutes')", ''],
  ['refuses a duration with a typing error', "import { sleep } from '@temporalio/workflow'\nvoid sleep('5 mintues')", 'TS2345'],
  ['refuses an unchecked element', 'export const first = (list: string[]): string => list[0]', 'TS2322'],
  ['refuses an undefined optional', 'export const a: { readonly b?: number } = { b: undefined }', 'TS2375'],
  ['refuses syntax that types alone do not explain', 'export enum Kind { Full }', 'TS1294'],
  ['refuses imports without their ending', "export { a } from './a'", 'TS2834'],
])('the compiler %s', async (_, text, code) => {
  expect(await compile(text)).toMatch(code === '' ? /^$/ : new RegExp(code))
})

/** What the compiler says of a file under our options; inside of the checkout, so that it finds the packages. */
async function compile(text: string): Promise<string> {
  await mkdir('.run', { recursive: true })
  const directory = await mkdtemp(join('.run', 'types-'))
  try {
    const options = { extends: relative(directory, 'tsconfig.json'), include: ['sample.ts'] }
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(options))
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
    await writeFile(join(directory, 'sample.ts'), `${text}\n`)
    return (await execa(resolve('node_modules/.bin/tsc'), ['-p', directory], { reject: false })).stdout
  } finally {
    await rm(directory, { recursive: true })
  }
}
