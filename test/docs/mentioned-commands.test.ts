import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../../src/starters/program.js'
import { allPages, readPage } from './markdown.js'

const program = buildProgram({})

/** FORMAT.md is for those who have no Holdfast; its "holdfast" is a namespace. */
const pages = (await allPages()).filter((page) => page !== 'src/catalog/FORMAT.md')

describe.each(pages)('%s', (page) => {
  test('every verb and option of holdfast it mentions is there', async () => {
    const mentions = mentionsIn(await readPage(page))
    expect(mentions.flatMap((words) => problemOf(words))).toEqual([])
  })
})

test('a verb and an option that are not there are found', () => {
  const mentions = mentionsIn('`holdfast bakcup avi5` or\n```sh\nholdfast --config a.yaml backup avi5 --quickly | cat\n```')
  expect(mentions.flatMap((words) => problemOf(words))).toEqual([
    'holdfast bakcup: no such verb',
    'holdfast backup: no option --quickly',
  ])
})

/** What is typed after `holdfast`, in code spans and in lines of blocks, up to the end of the command. */
function mentionsIn(text: string): string[][] {
  const spans = [...text.matchAll(/`(holdfast [^`\n]+)`/g)].map(([, code = '']) => code)
  const blocks = [...text.matchAll(/^```sh.*\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.split('\n'))
  const lines = [...spans, ...blocks].flatMap((line) => [...line.matchAll(/(?:^\s*|[|;&(] *|root +)holdfast ([^#|;&>)]+)/g)])
  return lines.map(([, rest = '']) => rest.trim().split(/\s+/)).filter(([first]) => first !== undefined && !first.startsWith('<'))
}

function problemOf(words: readonly string[]): string[] {
  let command: Command = program
  const options: string[] = []
  for (const word of words) {
    const inner = command.commands.find((candidate) => candidate.name() === word)
    if (inner !== undefined) command = inner
    else if (word.startsWith('--')) options.push(word.split('=')[0] ?? word)
    else if (command === program && options.length === 0) return [`holdfast ${word}: no such verb`]
    else if (command.commands.length > 0 && command !== program) return [`holdfast ${command.name()} ${word}: no such verb`]
  }
  const known = [...program.options, ...command.options].map(({ long }) => long)
  const missing = options.filter((option) => option !== '--help' && option !== '--version' && !known.includes(option))
  return missing.map((option) => `holdfast ${command.name()}: no option ${option}`)
}
