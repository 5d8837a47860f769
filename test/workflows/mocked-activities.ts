import { Context } from '@temporalio/activity'
import type { Activities } from '../../src/activities/index.js'
import { backupPrefix } from '../../src/catalog/keys.js'
import { parseBackupId, parseInstanceName, parseRepositoryName, parseSystemName } from '../../src/domain/ids.js'
import type { Instance } from '../../src/domain/instance.js'
import type { StoredCapture } from '../../src/domain/manifest.js'
import type { PlanTimeouts } from '../../src/domain/plans.js'
import { sampleManifest } from '../catalog/sample-manifest.js'
import { untilCancelled } from './until-cancelled.js'

export interface PlannedTimes extends PlanTimeouts {
  /** Of the copy in `primary`. */
  readonly deadlineMs: number
}

export const [local, primary] = [parseRepositoryName('local'), parseRepositoryName('primary')]
const system = parseSystemName('shop')
const backup = parseBackupId('shop_full_2026-01-10T03-00-00Z')
const queues = { host: 'holdfast', bulk: 'holdfast' }
const times: PlannedTimes = {
  heartbeatMs: 10_000,
  leaseMs: 60_000,
  lightMs: 10_000,
  captureMs: 60_000,
  extractMs: 60_000,
  replayMs: 60_000,
  retryIntervalMs: 20,
  retryMaximumIntervalMs: 100,
  deadlineMs: 60_000,
}

/** A configuration with a capture repository `local` and a copy in `primary`, where everything goes well. */
export function mockedActivities(change: Partial<PlannedTimes>): Activities {
  const { deadlineMs, ...timeouts } = { ...times, ...change }
  const lease = { holder: { workflowId: 'w', runId: 'r' } } as Awaited<ReturnType<Activities['renewLease']>>
  return {
    planBackup: async (_request, dueAt) => ({
      backup,
      prefix: backupPrefix(backup),
      system,
      kind: 'full',
      dueAt,
      queues,
      captureRepository: local,
      copies: [{ repository: primary, deadlineMs, partBytes: 5_242_880 }],
      timeouts,
    }),
    acquireCaptureLease: async () => lease,
    acquireReadLease: async () => lease,
    renewLease: async () => lease,
    releaseLease: async () => {},
    precheck: async () => ({ estimatedBytes: 1000, serverVersion: '15.18', warnings: ['the disk is nearly full'] }),
    runHooks: async () => {},
    captureAttempt: async () => captured,
    replicateAttempt: async () => ({ partsKept: 0, partsSent: 2, bytesKept: 0, bytesSent: 2468 }),
    verifyCopy: async () => {},
    commitManifest: async () => {},
    discardCapture: async () => 'removed',
    discardReplica: async () => 'removed',
    forgetJobs: async () => {},

    planWal: async () => ({ system, queues, repositories: [local, primary], timeouts }),
    receiveWal: untilDetached,
    replicateWal: untilDetached,
    stopWal: async () => {},
    dropGuard: async () => ['db1:5432'],

    planRestore: async () => ({ instance: instance.name, system, queues, timeouts }),
    chooseBackup: async () => ({
      backup,
      sources: [local, primary],
      dataBytes: 1000,
      storedBytes: 100,
      stoppedAt: captured.stoppedAt,
      timeline: 1,
      away: [],
    }),
    preflightRestore: async () => [],
    createInstance: async () => instance,
    extractBackup: async () => ({ checks: [], reading: { from: { 'base.tar.zst': local }, problems: [] } }),
    startInstance: async () => {},
    deliverWal: untilCancelled,
    awaitWal: async () => {},
    followReplay: async () => ({ timeline: 2 }),
    endDelivery: async () => [],
    checkInstance: async () => [{ name: 'tables', stage: 'running', outcome: 'passed', message: 'all there' }],
    openInstance: async () => ({ ...instance, state: 'RUNNING' }),
    abandonInstance: async () => {},
    forgetExtraction: async () => {},

    planDatabaseRestore: async () => ({ system, queues, timeouts }),
    preflightDatabase: async () => ({ from: 'shop', server: 'PostgreSQL 18.4 at 127.0.0.1:5432' }),
    fillDatabase: async () => ({
      identity: '16999',
      checks: [{ name: 'tables of copy', stage: 'running', outcome: 'passed', message: 'all there' }],
      reading: { from: { '16384.dump.zst': local }, problems: [] },
    }),
    openDatabase: async () => ({ connection: { host: '127.0.0.1', port: 5432, user: 'backup' }, notes: ['as noted'] }),
    abandonDatabase: async () => {},
    forgetFilling: async () => {},
  }
}

const { artifacts, facts, startedAt, stoppedAt } = sampleManifest()
const captured: StoredCapture = { artifacts, facts, startedAt, stoppedAt, tools: {}, notes: ['as noted'] }

const instance = {
  name: parseInstanceName('copy'),
  system,
  state: 'RESTORING',
  port: 5499,
  socketDirectory: '/run/copy',
  dataDirectory: '/instances/copy/data',
} as unknown as Instance

/** As a watcher of a job that never ends does. */
async function untilDetached(): Promise<never> {
  const context = Context.current()
  const pulse = setInterval(() => context.heartbeat(), 50)
  return context.cancelled.finally(() => clearInterval(pulse))
}
