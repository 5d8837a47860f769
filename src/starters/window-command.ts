import type { Command } from 'commander'
import type { Composition } from '../composition/compose.js'
import { exitStatusOf, HoldfastError } from '../domain/errors.js'
import { parseRepositoryName, parseSystemName, type RepositoryName, type SystemName } from '../domain/ids.js'
import { describeWindows } from './describe-window.js'
import { answer, type OutputOptions, remark } from './output.js'
import { sayWhileWaiting } from './say-while-waiting.js'
import { noneRead, reasonOf, type Unread } from './survey-catalogs.js'
import { addVerb, compositionOf, contextOf, knownSystem } from './verb.js'
import { isDegraded, type WindowRow } from './window-rows.js'

interface WindowOptions extends OutputOptions {
  readonly repository?: string
}

export function addWindowCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(
    program,
    'window',
    'show to which moments a system can be restored, as proven by each repository; needs no Temporal',
    examples,
  )
    .argument('<system>', 'name of the system')
    .option('--repository <name>', 'look into this repository alone')
    .option('--json', 'print it as JSON: spans, gaps and timelines')
    .action(async (name: string, options: WindowOptions, command: Command) => {
      const system = parseSystemName(name)
      const context = await contextOf(command, env)
      knownSystem(system, context.loaded)
      const composition = await compositionOf(context)
      const now = new Date()
      const { rows, unread } = await readRows(composition, system, repositoriesFor(composition, system, options), now)
      const degraded = unread.length > 0 || rows.some(isDegraded)
      const document = { system, now: now.toISOString(), outcome: degraded ? 'degraded' : 'whole', repositories: rows, unread }
      answer(options, document, describeWindows(system, rows, now, process.stdout.isTTY ? 'terminal' : 'plain'))
      for (const { repository, message, code } of unread) remark(`note: ${repository} cannot be read: ${message} (${code})`)
      if (degraded) process.exitCode = exitStatusOf('DEGRADED')
    })
}

const examples = `  holdfast window avi5
  holdfast window avi5 --repository primary
  holdfast window avi5 --json | jq '.repositories[].window.latest'

A moment counts when a full backup ended before it, the archived WAL from there on is unbroken, and a mark of the archiver says that the
archive goes as far. The RPO is the time since the newest such moment.
Exit status: 0; 3 there is a gap, the RPO objective is missed, or a repository proves nothing or cannot be read; 4 no such system; 7 none can
be read
`

function repositoriesFor(composition: Composition, system: SystemName, { repository }: WindowOptions): readonly RepositoryName[] {
  const { repositories } = composition.system(system)
  if (repository === undefined) return repositories
  const name = parseRepositoryName(repository)
  composition.repositoryLimits(name) // throws where there is no such repository
  if (repositories.includes(name)) return [name]
  throw new HoldfastError('NOT_FOUND', `${system} is not kept in the repository "${name}"`, {
    hint: `it is in: ${repositories.join(', ')}`,
  })
}

async function readRows(
  composition: Composition,
  system: SystemName,
  repositories: readonly RepositoryName[],
  now: Date,
): Promise<{ rows: WindowRow[]; unread: Unread[] }> {
  const keys = await composition.keys()
  const { rpoMs } = composition.system(system).objectives
  const { readWindow } = await import('../composition/read-window.js')
  const read = async (repository: RepositoryName): Promise<WindowRow> => {
    const [catalog, { store }] = [await composition.catalog(repository), await composition.repository(repository)]
    const { window, problems } = await readWindow({ catalog, store, keys, system }, now)
    return { repository, window, problems, ...(rpoMs === undefined ? {} : { rpoObjectiveMs: rpoMs }) }
  }
  const readings = repositories.map((repository) => sayWhileWaiting(repository, read(repository)))
  const rows: WindowRow[] = []
  const unread: Unread[] = []
  for (const [index, reading] of (await Promise.allSettled(readings)).entries()) {
    const repository = repositories[index]
    if (reading.status === 'fulfilled') rows.push(reading.value)
    else if (repository !== undefined) unread.push({ repository, ...reasonOf(reading.reason) })
  }
  if (rows.length === 0) throw noneRead(unread)
  return { rows, unread }
}
