import { restoreWorkflowId } from '../../src/domain/contract-names.js'
import type { RestoreReport } from '../../src/domain/operations.js'
import { compareContents, renderComparison } from './compare-contents.js'
import type { Demo } from './demo.js'
import { runHoldfast } from './holdfast.js'
import { type Content, type Login, readContents, readNature } from './read-contents.js'
import { system } from './write-configuration.js'

const instance = 'shop-restored'

/** A restore from S3 into a new instance, compared with the original. @returns how to log in to it */
export async function tellRestore(demo: Demo): Promise<Login> {
  const { story, places, control, source } = demo
  story.chapter('Restore from S3 alone, into a new instance beside the original')
  await runHoldfast(story, places, 'restore', system, '--name', instance, '--repository', 'primary')
  const report = await control.report<RestoreReport>(restoreWorkflowId(instance))
  const { host, port } = report.connection
  const original: Login = source
  const restored: Login = { host, port, user: source.user, password: source.password }

  story.chapter('Compare: every table, row for row')
  demo.signal.throwIfAborted()
  const [before, after] = await Promise.all([readContents(original), readContents(restored)])
  tellComparison(demo, before, after)
  await proveNature(demo, original, restored)
  return restored
}

/** Everything of the original beside what came back. */
export function tellComparison({ story }: Demo, before: readonly Content[], after: readonly Content[]): void {
  const comparisons = compareContents(before, after)
  for (const line of renderComparison(comparisons)) story.say(line)
  const wrong = comparisons.filter(({ verdict }) => verdict !== 'same')
  if (wrong.length === 0 && before.length > 0) story.proof(`${comparisons.length} compared, all the same`)
  else story.objection(`not as the original: ${wrong.map(({ name, verdict }) => `${name} ${verdict}`).join(', ')}`)
}

/** A restored server must never be taken for the original, nor write into its archive. */
async function proveNature({ story }: Demo, original: Login, restored: Login): Promise<void> {
  const [from, to] = await Promise.all([readNature(original), readNature(restored)])
  const differs = to.timeline > from.timeline && to.archiveMode === 'off' && from.archiveMode === 'on'
  const text = `timeline ${from.timeline} → ${to.timeline}, archiving ${from.archiveMode} → ${to.archiveMode}`
  if (differs && !to.inRecovery && to.systemIdentifier === from.systemIdentifier) story.proof(`a server of its own: ${text}`)
  else story.objection(`not a server of its own: ${text}, in recovery: ${to.inRecovery}`)
}
