import type { Composition } from '../composition/compose.js'
import { readWindow } from '../composition/read-window.js'
import { HoldfastError } from '../domain/errors.js'
import type { RepositoryName } from '../domain/ids.js'
import { planRecovery, type RecoveryCandidate, type RecoveryDecision } from '../domain/plan-recovery.js'
import type { RestoreChoice } from '../domain/plans.js'
import { askRepositories } from './ask-repositories.js'
import type { BackupQuestion } from './choose-backup.js'
import { choiceOf, chooseOwnEnd } from './choose-own-end.js'
import { describeUnread, noneRead, readCatalogs, repositoriesOf, type Unread } from './read-catalogs.js'

/**
 * Chooses the base and the archived WAL for a target, from what the repositories are proven to hold.
 * @returns undefined for `latest` where no WAL is archived: then it is the end of the newest backup, and so it is, with a note, where none of it can be used
 * @throws OUTSIDE_WINDOW with the window; what kept a repository from being read, where it might have had what is asked for
 */
export async function chooseRecovery(
  composition: Composition,
  request: BackupQuestion,
  signal: AbortSignal,
): Promise<RestoreChoice | undefined> {
  const { target, timeline, base } = request
  const isPlain = target.kind === 'latest' && timeline === undefined && base === undefined
  const asking = { composition, repositories: repositoriesOf(composition, request), signal }
  if (isPlain && !(await anyHasWal(asking, request))) return undefined
  const { candidates, unread, problems } = await readWindows(asking, request)
  const plan = planRecovery({
    candidates,
    target,
    ...(timeline === undefined ? {} : { timeline }),
    ...(base === undefined ? {} : { base }),
  })
  const away = [...describeUnread(unread), ...problems]
  if (plan.outcome === 'refused') {
    if (!isPlain) throw refusal(plan, unread, away, request)
    const own = chooseOwnEnd(await readCatalogs(composition, request, signal), request, { kind: 'latest' })
    const why = [plan.message, ...(plan.hint === undefined ? [] : [plan.hint])].join('; ')
    return { ...own, away: [...own.away, `archived WAL is left aside: ${why}`] }
  }
  const { manifest, sources, walSources, recovery, warnings } = plan
  const choice = choiceOf(manifest, sources, [...away, ...warnings])
  if (isPlain && recovery.pieces.length === 0) return choice
  return { ...choice, recovery, walSources, walSince: manifest.startedAt }
}

interface Asking {
  readonly composition: Composition
  readonly repositories: readonly RepositoryName[]
  readonly signal: AbortSignal
}

/** One request each. A repository that does not answer may have some: whoever reads it next waits for longer, and tells of it. */
async function anyHasWal(asking: Asking, { system }: BackupQuestion): Promise<boolean> {
  const answers = await askRepositories({ ...asking, share: 1 / 8 }, async ({ catalog, signal }) => {
    for await (const _ of catalog.wal.list(system, { signal })) return true
    return false
  })
  return answers.some((read) => 'problem' in read || read.answer)
}

async function readWindows(asking: Asking, { system }: BackupQuestion) {
  const unread: Unread[] = []
  const problems: string[] = []
  const candidates: RecoveryCandidate[] = []
  const answers = await askRepositories({ ...asking, share: 3 / 8 }, ({ signal, ...place }) =>
    readWindow({ ...place, system }, new Date(), { signal }),
  )
  for (const read of answers) {
    if ('problem' in read) {
      unread.push(read)
      continue
    }
    const { repository, distance, answer } = read
    candidates.push({ repository, distance, window: answer.window, manifests: answer.manifests })
    problems.push(...answer.problems.map((problem) => `${repository}: ${problem}`))
  }
  if (candidates.length === 0) throw noneRead(system, unread)
  return { candidates, unread, problems }
}

function refusal(
  plan: Extract<RecoveryDecision, { outcome: 'refused' }>,
  unread: readonly Unread[],
  away: readonly string[],
  { system }: BackupQuestion,
): HoldfastError {
  const reason = unread[0]?.problem
  const message = away.length === 0 ? plan.message : `${plan.message}; not read: ${away.join('; ')}`
  const next = `\`holdfast window ${system}\` shows what can be; --to latest, the default, restores all there is`
  return new HoldfastError(reason?.code ?? plan.code, message, { hint: reason?.hint ?? plan.hint ?? next })
}
