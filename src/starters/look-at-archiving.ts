import type { Condition } from '../domain/condition.js'
import { walWorkflowId } from '../domain/contract-names.js'
import type { SystemName } from '../domain/ids.js'
import { withClient } from './client.js'
import { createObserver } from './observe-operation.js'
import { runningArchiving } from './running-archiving.js'
import type { VerbContext } from './verb.js'

/** How the archiving of a system stands. */
export interface WalStatus {
  readonly system: SystemName
  readonly workflowId: string
  readonly steps: readonly {
    readonly name: string
    readonly state: string
    readonly note?: string
    readonly facts: Readonly<Record<string, string>>
  }[]
  readonly conditions: readonly (Condition & { readonly step: string })[]
  /** What keeps it from going on: nobody to do the work, failures that are tried again. */
  readonly obstacles: readonly string[]
  /** What would be lost if the server were lost now: since the oldest of the newest marks in the required repositories. */
  readonly actualRpoMs?: number
}

/** A part that has ended with a failure is started again in a while; until then it archives nothing. */
export function isWell({ steps, conditions, obstacles }: WalStatus): boolean {
  return conditions.length === 0 && obstacles.length === 0 && steps.every(({ state }) => state !== 'failed')
}

/** @throws NOT_FOUND when it does not run */
export function lookAtArchiving({ loaded, env }: VerbContext, system: SystemName): Promise<WalStatus> {
  return withClient(loaded, env, async ({ client }) => {
    const handle = await runningArchiving(client, system, loaded)
    const { steps, obstacles } = await createObserver(client, handle)()
    const required = loaded.config.systems[system]?.wal?.required ?? []
    const seen = steps.map(({ name, state, note, progress }) => ({
      name,
      state,
      ...(note === undefined ? {} : { note }),
      facts: progress?.facts ?? {},
    }))
    const marked = required.map((name) => seen.find((step) => step.name === `replicate ${name}`)?.facts['restorable to'])
    const oldest = Math.min(...marked.map((at) => (at === undefined ? Number.NaN : Date.parse(at))))
    return {
      system,
      workflowId: walWorkflowId(system),
      steps: seen,
      conditions: steps.flatMap(({ name, progress }) => (progress?.conditions ?? []).map((each) => ({ ...each, step: name }))),
      obstacles: obstacles.map(({ text }) => text),
      ...(Number.isFinite(oldest) ? { actualRpoMs: Math.max(0, Date.now() - oldest) } : {}),
    }
  })
}
