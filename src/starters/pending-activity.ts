import type { Client } from '@temporalio/client'
import { ApplicationFailure, defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common'
import type { Progress } from '../domain/progress.js'
import { formatDuration } from '../domain/quantity.js'
import { activityWords } from './activity-words.js'

type Description = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>
type Pending = NonNullable<Description['raw']['pendingActivities']>[number]
type Timestamp = { readonly seconds?: { toString(): string } | null } | null | undefined

/** Something that keeps an operation from going on. */
export interface Obstacle {
  /** The same as long as it is the same one, whatever its text counts. */
  readonly key: string
  /** What it waits for and why, in an operator's words. */
  readonly text: string
  /** Of something that is tried again. */
  readonly failures?: number
  readonly lastFailure?: string
  /** ISO 8601 UTC: when trying ends. */
  readonly triedUntil?: string
}

/** Anything that waits this long for somebody to take it has nobody. */
const patienceMs = 8_000

/** What hinders an activity. @param nowMs the server's clock and ours are taken for the same */
export function obstacleOf(activity: Pending, nowMs: number): Obstacle | undefined {
  const doing = activityWords(activity.activityType?.name)
  if (activity.lastFailure != null) return hasMovedAgain(activity) ? undefined : retried(activity, doing, nowMs)
  if (activity.lastStartedTime != null || !waitsLong(activity.scheduledTime, nowMs)) return undefined
  return { key: `${doing} slot`, text: `${doing}: waits for a worker on ${hostOf(activity)} (or for a free bulk slot)` }
}

/** Its queue is named by the host. Not every server tells it. */
function hostOf({ activityOptions }: Pending): string {
  const host = /^host-(.+?)(?:-bulk)?$/.exec(activityOptions?.taskQueue?.name ?? '')?.[1]
  return host === undefined ? 'its host' : `host ${host}`
}

export function progressOf({ heartbeatDetails }: Pending): Progress | undefined {
  const payload = heartbeatDetails?.payloads?.[0]
  return payload == null ? undefined : (defaultPayloadConverter.fromPayload(payload) as Progress | undefined)
}

export function waitsLong(since: Timestamp, nowMs: number): boolean {
  const at = millisecondsOf(since)
  return at !== undefined && nowMs - at > patienceMs
}

/** A failure stays with the activity for its life; figures told by the newest try say that it is overcome. */
function hasMovedAgain(activity: Pending): boolean {
  const [started, told] = [millisecondsOf(activity.lastStartedTime), millisecondsOf(activity.lastHeartbeatTime)]
  return started !== undefined && told !== undefined && told > started && progressOf(activity)?.step !== undefined
}

function retried({ attempt, lastFailure, expirationTime }: Pending, doing: string, nowMs: number): Obstacle {
  const failure = defaultFailureConverter.failureToError(lastFailure ?? {}, defaultPayloadConverter)
  const failures = Math.max(1, (attempt ?? 2) - 1)
  const until = millisecondsOf(expirationTime)
  const reason = holderIn(failure)
  const figures = [
    failures === 1 ? 'tried once' : `tried ${failures} times`,
    ...(until === undefined || until <= nowMs ? [] : [`goes on trying for ${formatDuration(until - nowMs)}`]),
  ].join(', ')
  return {
    key: `${doing} ${reason ?? withoutFigures(failure.message)}`,
    text: `${reason ?? `${doing}: ${failure.message}`} (${figures})`,
    failures,
    lastFailure: failure.message,
    ...(until === undefined ? {} : { triedUntil: new Date(until).toISOString() }),
  }
}

/** A system that another operation holds is no failure to whoever waits for it. */
function holderIn(failure: Error): string | undefined {
  if (!(failure instanceof ApplicationFailure) || failure.type !== 'SYSTEM_BUSY') return undefined
  const [detail] = (failure.details ?? []) as { readonly workflowId?: unknown; readonly system?: unknown }[]
  if (typeof detail?.workflowId !== 'string') return undefined
  return `waiting for ${detail.workflowId}, which holds ${typeof detail.system === 'string' ? detail.system : 'the system'}`
}

/** Ports, times and run ids differ from try to try. */
function withoutFigures(message: string): string {
  return message.replaceAll(/\d+/g, '#')
}

function millisecondsOf(time: Timestamp): number | undefined {
  return time?.seconds == null ? undefined : Number(time.seconds.toString()) * 1000
}
