import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('no source file is longer than 500 lines', async () => {
  const lengths = await lineCounts()
  const noteworthy = lengths.filter(({ lines }) => lines > 300)
  if (noteworthy.length > 0) console.info(`above 300 lines: ${noteworthy.map(describeLength).join(', ')}`)
  expect(lengths.filter(({ lines }) => lines > 500).map(describeLength)).toEqual([])
})

/** Of everything git knows or would take; what is being deleted counts as nothing. */
async function lineCounts() {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', 'src', 'test', 'bench', 'scripts']
  const { stdout } = await execa('git', args, { cwd: root })
  const files = [...new Set(stdout.split('\n'))].filter((file) => /\.(ts|mjs|sh)$/.test(file))
  return await Promise.all(
    files.map(async (file) => {
      const text = await readFile(`${root}/${file}`, 'utf8').catch(() => '')
      return { file, lines: text.split('\n').length - 1 }
    }),
  )
}

function describeLength({ file, lines }: { readonly file: string; readonly lines: number }): string {
  return `${file} (${lines})`
}
