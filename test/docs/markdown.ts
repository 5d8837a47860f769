import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/** A fenced block of a page. */
export interface Block {
  /** Path of the page from the root of the project. */
  readonly page: string
  /** Of the line with the fence, from 1. */
  readonly line: number
  /** The word after the fence: `sh`, `yaml`; empty where there is none. */
  readonly language: string
  /** `name=value` after the language. A block with `test` is run. */
  readonly marks: Readonly<Record<string, string>>
  readonly text: string
}

/** Pages whose commands operators type. */
export const operatorPages = ['README.md', 'docs/operations.md', 'docs/disaster-recovery.md'] as const

/** Every page of documentation. */
export async function allPages(): Promise<string[]> {
  const decisions = (await readdir(resolve('docs/decisions'))).filter((name) => name.endsWith('.md'))
  return [
    ...operatorPages,
    ...['CHANGELOG.md', 'CONTRIBUTING.md', 'docs/configuration.md', 'docs/performance.md', 'src/catalog/FORMAT.md'],
    ...decisions.sort().map((name) => `docs/decisions/${name}`),
  ]
}

export function readPage(page: string): Promise<string> {
  return readFile(resolve(page), 'utf8')
}

/** The blocks of a page in their order. @throws for a fence that is never closed */
export async function blocksOf(page: string): Promise<Block[]> {
  const blocks: Block[] = []
  let open: { line: number; info: string; lines: string[] } | undefined
  for (const [index, line] of (await readPage(page)).split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { line: index + 1, info: fence[1] ?? '', lines: [] }
    else {
      blocks.push(toBlock(page, open))
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: a block that is never closed`)
  return blocks
}

/** The blocks that are marked `test=<scenario>`, over all pages, in their order. */
export async function scenario(name: string): Promise<Block[]> {
  const blocks = (await Promise.all(operatorPages.map(blocksOf))).flat()
  return blocks.filter(({ marks }) => marks.test === name)
}

function toBlock(page: string, { line, info, lines }: { line: number; info: string; lines: string[] }): Block {
  const [language = '', ...words] = info.trim().split(/\s+/)
  const marks = Object.fromEntries(words.map((word): [string, string] => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']))
  return { page, line, language, marks, text: `${lines.join('\n')}\n` }
}
