import { access, readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import type { Composition } from '../composition/compose.js'
import { HoldfastError } from '../domain/errors.js'
import type { Instance } from '../domain/instance.js'
import { walFilesAhead } from '../domain/wal-ahead.js'
import { refuseUndelivered, walDelivery } from '../engines/postgres/wal-delivery.js'
import { prefetchJobName } from '../jobs/job-spec.js'
import { stopGraceMs, stopJob } from '../jobs/stop-job.js'
import type { RestoreInput } from './restore-activities.js'
import { watchJob } from './watch-job.js'

const pollMs = 100

/** Starts or adopts the job that delivers archived WAL, and watches it for as long as there is a recovery. Never ends well by itself. */
export async function deliverWal({ config, configPath }: Composition, { request, choice }: RestoreInput): Promise<void> {
  const { recovery, walSources = [], walSince } = choice
  if (recovery === undefined || walSince === undefined) throw new HoldfastError('INTERNAL', 'there is no WAL to deliver')
  const { systemIdentifier, segmentSizeBytes, timeline, pieces, endLsn, startLsn, target } = recovery
  const spec = {
    kind: 'prefetch-wal',
    configPath,
    system: request.system,
    instance: request.instance,
    sources: [...walSources],
    ...{ systemIdentifier, segmentSizeBytes, timeline, endLsn, walSince },
    pieces: pieces.map(({ timeline: of, firstSegment, lastSegment }) => ({ timeline: of, firstSegment, lastSegment })),
    replay: {
      ...(startLsn === undefined ? {} : { fromLsn: startLsn }),
      ...(target.kind === 'lsn' ? { toLsn: target.lsn } : {}),
    },
    filesAhead: walFilesAhead(segmentSizeBytes),
  } as const
  await watchJob(config.stateDirectory, spec)
}

/** Until the first WAL has arrived and was checked: what is wrong with it is better known before the server runs. */
export async function awaitWal(instance: Instance): Promise<void> {
  const context = Context.current()
  const { filled } = walDelivery(instance)
  for (;;) {
    context.heartbeat()
    await refuseUndelivered(instance)
    if (await exists(filled)) return
    await delay(pollMs, undefined, { signal: context.cancellationSignal })
  }
}

/** After the promotion nobody asks for WAL any more. @returns which copies were not used, and why */
export async function endDelivery({ config }: Composition, instance: Instance): Promise<string[]> {
  await stopJob(config.stateDirectory, prefetchJobName(instance.name), stopGraceMs)
  const { directory, notes } = walDelivery(instance)
  const lines = (await readFile(notes, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  const problems = lines.map((line) => String(JSON.parse(line)))
  await rm(directory, { recursive: true, force: true })
  return [...new Set(problems)]
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
