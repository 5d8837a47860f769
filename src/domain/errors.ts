/** What the table says of a code: may the same step be tried again, and the exit status of the CLI. */
interface ErrorRule {
  readonly retryable: boolean
  readonly exitStatus: number
  readonly hint: string
}

/**
 * Every failure Holdfast names, in one place. Exit statuses: 2 usage or configuration, 3 degraded, 4 not found,
 * 5 conflict, 6 source, 7 store, 8 damaged, 9 local resources, 10 control plane, 11 stopped or cancelled, 1 anything else.
 */
const rules = {
  CONFIG_INVALID: { retryable: false, exitStatus: 2, hint: 'correct the configuration file and run `holdfast doctor`' },
  USAGE: { retryable: false, exitStatus: 2, hint: 'see `holdfast --help`' },
  INVALID_NAME: { retryable: false, exitStatus: 2, hint: 'see docs/configuration.md for what names may hold' },
  SECRET_MISSING: { retryable: false, exitStatus: 2, hint: 'set the variable or create the file the reference names' },
  NOT_SUPPORTED: { retryable: false, exitStatus: 2, hint: 'see CHANGELOG.md for what this version does' },
  DEGRADED: { retryable: false, exitStatus: 3, hint: 'run the backup again, or `holdfast doctor` to see what is away' },
  NOT_FOUND: { retryable: false, exitStatus: 4, hint: 'run `holdfast ls` to see what is there' },
  OUTSIDE_WINDOW: {
    retryable: false,
    exitStatus: 4,
    hint: 'run `holdfast window <system>` to see what can be restored',
  },
  SYSTEM_BUSY: { retryable: true, exitStatus: 5, hint: 'wait for the other operation, or watch it in the Temporal UI' },
  INSTANCE_EXISTS: { retryable: false, exitStatus: 5, hint: 'choose another --name, or `holdfast instances drop <name>`' },
  ALREADY_EXISTS: { retryable: false, exitStatus: 5, hint: 'an object of this name holds other bytes; nothing was overwritten' },
  WAL_CONFLICT: {
    retryable: false,
    exitStatus: 5,
    hint: 'two servers wrote the same WAL file: find out which one is the original, stop the other, and take a full backup',
  },
  WAL_FOREIGN: {
    retryable: false,
    exitStatus: 5,
    hint: 'this is the WAL of another cluster: give it a system of its own, and take a full backup',
  },
  SOURCE_UNAVAILABLE: { retryable: true, exitStatus: 6, hint: 'check that the server runs and can be reached from this host' },
  SOURCE_DENIED: { retryable: false, exitStatus: 6, hint: 'check the password, pg_hba.conf and the privileges of the role' },
  SOURCE_UNSUITABLE: { retryable: false, exitStatus: 6, hint: 'run `holdfast doctor` to see what the server lacks' },
  TOOL_MISSING: {
    retryable: false,
    exitStatus: 6,
    hint: 'install the client tools of the server’s major version, or name their directory in `tools`',
  },
  CAPTURE_LOST: {
    retryable: false,
    exitStatus: 6,
    hint: 'the capture cannot be continued; a new attempt starts from the beginning',
  },
  STORE_UNAVAILABLE: {
    retryable: true,
    exitStatus: 7,
    hint: 'check the endpoint and the network; the work goes on when the store is back',
  },
  STORE_DENIED: { retryable: false, exitStatus: 7, hint: 'check the credentials and the permissions on the bucket or directory' },
  STORE_MISSING: { retryable: false, exitStatus: 7, hint: 'create the bucket or directory, or correct its name' },
  STORE_INCAPABLE: { retryable: false, exitStatus: 7, hint: 'run `holdfast doctor` to see what the store lacks' },
  ARTIFACT_DAMAGED: { retryable: false, exitStatus: 8, hint: 'restore from another repository, and take a new backup' },
  ARTIFACT_MISSING: { retryable: false, exitStatus: 8, hint: 'restore from another repository, and take a new backup' },
  WAL_GAP: { retryable: false, exitStatus: 8, hint: 'take a full backup: the window begins anew at its end' },
  WAL_SLOT_LOST: {
    retryable: true,
    exitStatus: 6,
    hint: 'raise max_slot_wal_keep_size on the server, and see that nothing drops the slot; `holdfast wal status` says whether WAL is missing',
  },
  WAL_GUARD_LOCAL: {
    retryable: true,
    exitStatus: 7,
    hint: 'bring the repositories back that WAL waits for: until then it is on the spool’s disk alone',
  },
  SPOOL_SHORT: {
    retryable: true,
    exitStatus: 9,
    hint: 'bring the repositories back that WAL waits for, free space on the spool’s disk, or raise `wal.spool.maxSize`, then `holdfast wal stop` and `holdfast wal start`',
  },
  MANIFEST_DAMAGED: {
    retryable: false,
    exitStatus: 8,
    hint: 'the manifest was altered or its key is wrong; use another repository',
  },
  KEY_MISSING: { retryable: false, exitStatus: 8, hint: 'add the key the message names under encryption.keys' },
  FORMAT_UNKNOWN: {
    retryable: false,
    exitStatus: 8,
    hint: 'another version of Holdfast wrote it: upgrade this one, or restore with the one that did',
  },
  CHECK_FAILED: { retryable: false, exitStatus: 8, hint: 'the restored data is not what was backed up; choose another backup' },
  RECOVERY_FAILED: { retryable: false, exitStatus: 8, hint: 'read the last lines of the server’s log in the message' },
  SPACE_SHORT: { retryable: false, exitStatus: 9, hint: 'free space, or choose another directory' },
  LOCAL_IO: { retryable: true, exitStatus: 9, hint: 'check the disk and the permissions of the directory the message names' },
  PROCESS_FAILED: { retryable: false, exitStatus: 9, hint: 'read the last lines of the program’s output in the message' },
  JOB_LOST: { retryable: true, exitStatus: 9, hint: 'the process that did the work ended without a result; it is started again' },
  CONTROL_PLANE: { retryable: true, exitStatus: 10, hint: 'check that Temporal runs at the configured address' },
  NO_WORKER: { retryable: true, exitStatus: 10, hint: 'start `holdfast worker` on the system’s `host`, under that name' },
  TIMED_OUT: {
    retryable: false,
    exitStatus: 10,
    hint: 'see in the Temporal UI what it waited for (a worker, a store); `timeouts` and `replicationDeadline` say how long it may take',
  },
  STOPPED: { retryable: false, exitStatus: 11, hint: 'the operation was stopped; start it again when you are ready' },
  HOOK_FAILED: { retryable: false, exitStatus: 1, hint: 'run the hook by hand to see why it fails' },
  INTERNAL: { retryable: false, exitStatus: 1, hint: 'this is a defect; please report it with the log' },
} as const satisfies Record<string, ErrorRule>

export type ErrorCode = keyof typeof rules

/** Plain, JSON-safe facts for programs; never a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>

interface ErrorExtras {
  /** What to do next; the table's hint of the code where it is left out. */
  readonly hint?: string
  readonly cause?: unknown
  readonly details?: ErrorDetails
}

/** The only error Holdfast throws on purpose. `message`: lower case, what failed on what. */
export class HoldfastError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? {} : { cause: extras.cause })
    this.name = 'HoldfastError'
    this.code = code
    this.hint = extras.hint ?? rules[code].hint
    this.details = extras.details ?? {}
  }

  get retryable(): boolean {
    return isRetryable(this.code)
  }
}

export const errorCodes = Object.keys(rules) as readonly ErrorCode[]

export function isRetryable(code: ErrorCode): boolean {
  return rules[code].retryable
}

export function exitStatusOf(code: ErrorCode): number {
  return rules[code].exitStatus
}

export function hintOf(code: ErrorCode): string {
  return rules[code].hint
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(rules, text)
}

/** Anything thrown, as a HoldfastError: unknown causes become INTERNAL with their own message. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new HoldfastError('INTERNAL', message, { cause: error })
}
