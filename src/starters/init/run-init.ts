import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { newConfigPath } from '../../config/config-path.js'
import { readHostFacts } from '../../config/host-facts.js'
import type { LoadedConfig } from '../../config/load-config.js'
import { parseConfig } from '../../config/parse-config.js'
import { HoldfastError } from '../../domain/errors.js'
import { describeFindings, diagnose } from '../diagnose.js'
import { answer, type OutputOptions, remark } from '../output.js'
import { shellWord } from '../shell-words.js'
import { collectSettings, type GivenSettings } from './collect-settings.js'
import { collectCredentials, type GivenCredentials } from './credentials.js'
import { describeInit, describeNextSteps, reportInit } from './describe-init.js'
import { type FilePlan, planFiles } from './plan-files.js'
import { defaultSettings } from './questions.js'
import { openTerminal } from './terminal.js'
import { writeAll } from './write-all.js'

export interface InitOptions extends OutputOptions {
  /** `--config`. */
  readonly path: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly settings: GivenSettings
  readonly credentials: GivenCredentials
  readonly questions: 'asked' | 'left out'
  readonly doctor: 'asked' | 'left out'
}

/** The `init` verb: nothing is written before the last answer, and then all of it or nothing. */
export async function runInit(options: InitOptions): Promise<void> {
  const { env, path } = options
  const { plan, loaded, isRoot } = await prepare(options)
  const report = reportInit(loaded, plan, isRoot ? 'root' : 'another user')
  const directories = [join(dirname(loaded.path), 'keys'), report.captureDirectory]
  await untilInterrupted((signal) => writeAll({ directories, files: plan.files }, signal))
  const nextSteps = describeNextSteps(report, path === undefined ? '' : ` --config ${shellWord(loaded.path)}`)
  if (options.doctor === 'left out') return answer(options, report, `${describeInit(report)}\n${nextSteps}`)
  // Said before the doctor begins: it may take its time, and somebody may be impatient.
  if (options.json === undefined) answer({}, report, `${describeInit(report)}\n`)
  remark('looking what is there yet; failures of the role and of Temporal are to be expected\n')
  const diagnosis = await diagnose(loaded, env, undefined)
  answer(options, { ...report, doctor: diagnosis.document }, `${describeFindings(diagnosis)}\n${nextSteps}`)
}

interface Prepared {
  readonly plan: FilePlan
  readonly loaded: LoadedConfig
  readonly isRoot: boolean
}

async function prepare(options: InitOptions): Promise<Prepared> {
  const { path, env } = options
  const facts = readHostFacts()
  const configPath = await newConfigPath({ env, facts, ...(path === undefined ? {} : { path }) })
  const terminal = options.questions === 'left out' ? undefined : openTerminal()
  if (terminal === undefined && options.questions === 'asked') {
    throw new HoldfastError('USAGE', 'there is no terminal to ask on', {
      hint: 'say --yes, and what the defaults are not good for with options: see `holdfast init --help`',
    })
  }
  try {
    const defaults = defaultSettings(facts.hostName, new Date())
    const found = await collectSettings({ defaults, given: options.settings, terminal, filePath: configPath, facts })
    if (found.bucket === '' && Object.keys(options.credentials).length > 0) {
      throw new HoldfastError('USAGE', 'credentials are of no use without --bucket', { hint: 'see `holdfast init --help`' })
    }
    const credentials = found.bucket === '' ? undefined : await collectCredentials(options.credentials, terminal, env)
    const settings = credentials === undefined ? found : { ...found, credentials: 'files' as const }
    const plan = planFiles({ settings, credentials, configPath, randomBytes })
    const text = plan.files.at(-1)?.content ?? ''
    const isRoot = facts.userId === 0
    return { plan, isRoot, loaded: { config: parseConfig(text, configPath, facts), path: configPath } }
  } finally {
    terminal?.close()
  }
}

/** Until now Ctrl-C ended this process; from here on it undoes what was done first. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interruption = new AbortController()
  const interrupt = () => interruption.abort(new HoldfastError('STOPPED', 'interrupted; nothing was written'))
  for (const name of endings) process.once(name, interrupt)
  try {
    await work(interruption.signal)
  } finally {
    for (const name of endings) process.off(name, interrupt)
  }
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
