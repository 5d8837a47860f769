import { resolve } from 'node:path'
import { type FirstSettings, renderFirstConfig } from '../../config/first-config.js'
import type { HostFacts } from '../../config/host-facts.js'
import { findProblems } from '../../config/parse-config.js'
import { HoldfastError } from '../../domain/errors.js'
import { remark } from '../output.js'
import { doesMatter, type Question, questions } from './questions.js'
import type { Terminal } from './terminal.js'

/** Answers given as options. */
export type GivenSettings = Readonly<Partial<Pick<FirstSettings, Question['key']>>>

export interface CollectOptions {
  readonly defaults: FirstSettings
  readonly given: GivenSettings
  /** Undefined: the defaults are taken for what is not given. */
  readonly terminal: Terminal | undefined
  readonly filePath: string
  readonly facts: HostFacts
}

/**
 * Takes what is given, and asks for the rest, again until it is right. Right is what the configuration may hold: each answer is tried
 * by parsing the file it would make, in which all others are right already.
 * @throws USAGE for an option that is wrong or of no use, STOPPED
 */
export async function collectSettings(options: CollectOptions): Promise<FirstSettings> {
  const { defaults, given, terminal } = options
  let settings = defaults
  for (const question of questions) {
    const value = given[question.key]
    if (!doesMatter(question, settings)) {
      if (value !== undefined) throw wrongOption(question.option, `is of no use but ${question.matters}`)
    } else if (value !== undefined) {
      settings = { ...settings, [question.key]: placed(question, value, options) }
      const problem = problemOf(settings, options)
      if (problem !== undefined) throw wrongOption(question.option, problem)
    } else if (terminal !== undefined && question.ask !== undefined) {
      settings = await askUntilRight({ ...question, ask: question.ask }, settings, terminal, options)
    }
  }
  return settings
}

async function askUntilRight(
  question: Question & { readonly ask: string },
  settings: FirstSettings,
  terminal: Terminal,
  options: CollectOptions,
): Promise<FirstSettings> {
  const fallback = settings[question.key]
  const shown = typeof fallback === 'boolean' ? (fallback ? 'yes' : 'no') : fallback
  for (;;) {
    const reply = await terminal.ask(`${question.ask}${shown === '' ? '' : ` [${shown}]`}: `)
    const value = reply === '' ? fallback : question.kind === 'text' ? reply : choices.get(reply.toLowerCase())
    if (value === undefined) {
      remark('  answer yes or no')
      continue
    }
    const answered = { ...settings, [question.key]: placed(question, value, options) }
    const problem = problemOf(answered, options)
    if (problem === undefined) return answered
    remark(`  ${problem}`)
  }
}

/** A path is meant from where the operator stands; in the file it would start from the file's own directory. */
function placed({ key }: Question, value: string | boolean, { facts }: CollectOptions): string | boolean {
  const isPath = key === 'directory' || key === 'stateDirectory'
  return !isPath || typeof value !== 'string' || value === '' || /^~(\/|$)/.test(value)
    ? value
    : resolve(facts.currentDirectory, value)
}

const choices: ReadonlyMap<string, boolean> = new Map([
  ['y', true],
  ['yes', true],
  ['n', false],
  ['no', false],
])

function wrongOption(option: string, problem: string): HoldfastError {
  return new HoldfastError('USAGE', `${option}: ${problem}`, { hint: 'see `holdfast init --help`; nothing was written' })
}

function problemOf(settings: FirstSettings, { filePath, facts }: CollectOptions): string | undefined {
  return findProblems(renderFirstConfig(settings), filePath, facts)[0]?.text
}
