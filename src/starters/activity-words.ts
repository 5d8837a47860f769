/** What activities do, for an operator: their names are those of the code. */
export function activityWords(type: string | null | undefined): string {
  return words.get(type ?? '') ?? type ?? 'a step'
}

const words: ReadonlyMap<string, string> = new Map([
  ['planBackup', 'reading the configuration'],
  ['planRestore', 'reading the configuration'],
  ['acquireCaptureLease', 'reserving the system'],
  ['acquireReadLease', 'reserving the backup'],
  ['renewLease', 'renewing the reservation'],
  ['releaseLease', 'giving the reservation back'],
  ['runHooks', 'running hooks'],
  ['precheck', 'looking at the source'],
  ['captureAttempt', 'capturing'],
  ['replicateAttempt', 'copying'],
  ['verifyCopy', 'verifying a copy'],
  ['commitManifest', 'committing'],
  ['discardCapture', 'removing what was captured'],
  ['discardReplica', 'removing what was copied'],
  ['forgetJobs', 'tidying up'],
  ['chooseBackup', 'reading the catalogues'],
  ['preflightRestore', 'looking at this host'],
  ['createInstance', 'making directories'],
  ['extractBackup', 'fetching and extracting'],
  ['startInstance', 'starting the server'],
  ['followReplay', 'following the recovery'],
  ['checkInstance', 'checking the server'],
  ['openInstance', 'opening the instance'],
  ['abandonInstance', 'removing the instance'],
  ['forgetExtraction', 'tidying up'],
])
