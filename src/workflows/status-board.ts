import { defineQuery, defineSignal, setCurrentDetails, setHandler } from '@temporalio/workflow'
import { progressSignal, statusQuery } from '../domain/contract-names.js'
import { type OperationStatus, renderStatus, type StepStatus } from '../domain/operation-status.js'
import type { Progress } from '../domain/progress.js'
import { failureOf } from './failures.js'

/** Keeps what an operator sees of a running workflow: the answer to the query, and the text in the UI. */
export interface StatusBoard {
  /** Runs a step and shows its state; its note may follow from its result. */
  step<T>(name: string, work: () => Promise<T>, note?: (result: T) => string | undefined): Promise<T>
  note(name: string, note: string): void
  /** One that not every run has. */
  add(name: string, before: string): void
}

/**
 * @param names of the steps, in the order they are shown
 * @param onProgress called with what a step says of itself
 */
export function createStatusBoard(
  title: string,
  names: readonly string[],
  onProgress?: (progress: Progress) => void,
): StatusBoard {
  const steps = new Map<string, StepStatus>(names.map((name) => [name, { name, state: 'waiting' }]))
  const status = (): OperationStatus => ({ title, steps: [...steps.values()] })
  const update = (name: string, change: Partial<StepStatus>) => {
    steps.set(name, { ...(steps.get(name) ?? { name, state: 'waiting' }), ...change })
    setCurrentDetails(renderStatus(status()))
  }
  setHandler(defineQuery<OperationStatus>(statusQuery), status)
  setHandler(defineSignal<[Progress]>(progressSignal), (progress) => {
    if (!steps.has(progress.step)) return
    update(progress.step, { progress })
    onProgress?.(progress)
  })
  setCurrentDetails(renderStatus(status()))

  return {
    async step(name, work, note) {
      update(name, { state: 'running' })
      try {
        const result = await work()
        const text = note?.(result)
        update(name, { state: 'done', ...(text === undefined ? {} : { note: text }) })
        return result
      } catch (error) {
        const { code, message } = failureOf(error)
        update(name, { state: 'failed', note: `${code}: ${message}` })
        throw error
      }
    },
    note: (name, note) => update(name, { note }),
    add(name, before) {
      const known = [...steps]
      steps.clear()
      for (const [each, step] of known) {
        if (each === before) steps.set(name, { name, state: 'waiting' })
        steps.set(each, step)
      }
    },
  }
}
