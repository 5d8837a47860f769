import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../../src/domain/errors.js'
import { buildProgram } from '../../src/starters/program.js'
import { isAnswered } from '../../src/starters/usage-error.js'

async function failureOf(...args: readonly string[]): Promise<unknown> {
  const program = buildProgram({ HOLDFAST_CONFIG: '/nowhere/env.yaml' })
  mute(program)
  return program.parseAsync(['node', 'holdfast', ...args]).then(
    () => undefined,
    (error: unknown) => error,
  )
}

type Program = ReturnType<typeof buildProgram>

function mute(command: Program): void {
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  for (const verb of command.commands) mute(verb)
}

function textOf(program: Program): string {
  let text = ''
  program.configureOutput({
    writeOut: (part) => {
      text += part
    },
  })
  program.outputHelp()
  return text
}

test.each([
  [['bakup', 'shop'], 'unknown command "bakup"', /did you mean backup\?/],
  [['instances', 'lss'], 'unknown command "lss"', /did you mean ls\?.*holdfast instances --help/],
  [['backup', 'shop', '--jsn'], 'unknown option "--jsn"', /did you mean --json\?.*holdfast backup --help/],
  [['backup'], 'missing required argument "system"', /holdfast backup --help/],
  [['backup', 'a', 'b'], 'too many arguments', /holdfast backup --help/],
  [['restore', 'shop'], '--name', /holdfast restore --help/],
  [[], '`holdfast` needs a verb: init, dev, worker, backup', /holdfast --help/],
  [['instances'], '`holdfast instances` needs a verb: ls, stop, drop', /holdfast instances --help/],
  [['dev', '--ui-port', 'x'], 'number from 1 to 65535', /holdfast dev --help/],
])('%j is refused as wrong usage, with the way to the right one', async (args, message, hint) => {
  const error = await failureOf(...args)
  expect(error).toBeInstanceOf(HoldfastError)
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(message), hint: expect.stringMatching(hint) })
})

test.each([
  [['backup', 'a/b'], 'INVALID_NAME'],
  [['backup', 'shop', '--kind', 'half'], 'USAGE'],
  [['backup', 'shop', '--kind', 'incremental'], 'NOT_SUPPORTED'],
  [['backup', 'shop', '--milestone', 'two\nlines'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--to', 'yesterday'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--kind', 'incremental'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--kind', 'full', '--only', 'sales'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--server-version', '18.1'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--database', 'y'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--no-owner'], 'USAGE'],
  [['restore', 'shop', '--name', 'x', '--into', 'shop', '--database', 'y'], 'USAGE'],
  [['restore', 'shop', '--into', 'shop'], 'USAGE'],
  [['restore', 'shop', '--into', 'shop', '--database', 'y', '--server-version', '18'], 'USAGE'],
  [['restore', 'shop', '--into', 'shop', '--database', 'y', '--kind', 'full'], 'USAGE'],
  [['restore', 'shop', '--into', 'shop', '--database', 'ü'.repeat(32)], 'INVALID_NAME'],
  [['show', 'no-id'], 'INVALID_NAME'],
])('%j is refused before the configuration is read', async (args, code) => {
  expect(await failureOf(...args)).toMatchObject({ code })
})

test.each([
  [['--config', '/nowhere/before.yaml', 'ls'], '/nowhere/before.yaml'],
  [['ls', '--config', '/nowhere/after.yaml'], '/nowhere/after.yaml'],
  [['-c', '/nowhere/before.yaml', 'ls', '-c', '/nowhere/after.yaml'], '/nowhere/after.yaml'],
  [['instances', '-c', '/nowhere/between.yaml', 'ls'], '/nowhere/between.yaml'],
  [['ls'], '/nowhere/env.yaml'],
])('%j reads the configuration %s', async (args, path) => {
  expect(await failureOf(...args)).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(path) })
})

test.each([['--help'], ['--version'], ['help', 'backup'], ['backup', '--help'], ['instances', 'drop', '--help']])(
  '%s %s is answered and is no failure',
  async (...args) => {
    expect(isAnswered(await failureOf(...args))).toBe(true)
  },
)

describe('every verb has examples in its help', () => {
  const verbsOf = (command: Program): Program[] => [command, ...command.commands.flatMap(verbsOf)]
  const verbs = verbsOf(buildProgram({})).map((verb) => [verb.name(), verb] as const)

  test.each(verbs)('%s', (_, verb) => {
    expect(textOf(verb)).toMatch(/Examples:\n {2}(?:HOLDFAST_\w+=\w+ )?holdfast /)
  })
})
