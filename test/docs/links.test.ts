import { access } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allPages, blocksOf, readPage } from './markdown.js'

describe.each(await allPages())('%s', (page) => {
  test('every relative link leads to a file that is there, and to a heading of it', async () => {
    const broken: string[] = []
    for (const target of await linksOf(page)) {
      const [path = '', heading] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      const there = await access(resolve(file)).then(
        () => true,
        () => false,
      )
      if (!there || (heading !== undefined && !(await anchorsOf(file)).includes(heading))) broken.push(target)
    }
    expect(broken).toEqual([])
  })

  test('every block is closed and says its language', async () => {
    const blocks = await blocksOf(page)
    const allowed = ['sh', 'yaml', 'ini', 'json', 'sql', 'python', '']
    expect(blocks.map(({ language }) => language).filter((language) => !allowed.includes(language))).toEqual([])
  })
})

/** Targets of links outside of code, without those to other sites. */
async function linksOf(page: string): Promise<string[]> {
  const prose = withoutCode(await readPage(page))
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

/** As GitHub makes them: lower case, punctuation away, spaces to hyphens. */
async function anchorsOf(file: string): Promise<string[]> {
  const headings = [...withoutCode(await readPage(file)).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text)
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replaceAll(']', ''))
}
