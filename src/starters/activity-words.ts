import type { ActivityName } from '../workflows/activity-name.js'

/** What activities do, for an operator: their names are those of the code. One of another version keeps its name. */
export function activityWords(type: string | null | undefined): string {
  if (type === null || type === undefined) return 'a step'
  return Object.hasOwn(words, type) ? words[type as ActivityName] : type
}

const words: Readonly<Record<ActivityName, string>> = {
  planBackup: 'reading the configuration',
  planRestore: 'reading the configuration',
  planDatabaseRestore: 'reading the configuration',
  planWal: 'reading the configuration',
  acquireCaptureLease: 'reserving the system',
  acquireReadLease: 'reserving the backup',
  renewLease: 'renewing the reservation',
  releaseLease: 'giving the reservation back',
  runHooks: 'running hooks',
  precheck: 'looking at the source',
  captureAttempt: 'capturing',
  replicateAttempt: 'copying',
  verifyCopy: 'verifying a copy',
  commitManifest: 'committing',
  discardCapture: 'removing what was captured',
  discardReplica: 'removing what was copied',
  forgetJobs: 'tidying up',
  chooseBackup: 'reading the catalogues',
  preflightRestore: 'looking at this host',
  createInstance: 'making directories',
  extractBackup: 'fetching and extracting',
  awaitWal: 'waiting for the first WAL',
  deliverWal: 'delivering WAL',
  startInstance: 'starting the server',
  followReplay: 'following the recovery',
  endDelivery: 'ending the delivery of WAL',
  checkInstance: 'checking the server',
  openInstance: 'opening the instance',
  abandonInstance: 'removing the instance',
  forgetExtraction: 'tidying up',
  preflightDatabase: 'looking at the server that is restored into',
  fillDatabase: 'filling the database',
  openDatabase: 'opening the database',
  abandonDatabase: 'removing the database',
  forgetFilling: 'tidying up',
  receiveWal: 'receiving WAL',
  replicateWal: 'copying WAL',
  stopWal: 'ending the archiving',
  dropGuard: 'dropping the guard slot',
}
