import type { BackupId, InstanceName, SystemName } from './ids.js'

/** PROVISIONING → RESTORING → REPLAYING → RUNNING; FAILED from any of them; DISPOSED at the end. */
export type InstanceState = 'PROVISIONING' | 'RESTORING' | 'REPLAYING' | 'RUNNING' | 'FAILED' | 'DISPOSED'

export interface InstanceLogin {
  readonly user: string
  readonly database: string
}

/** `instance.json` in the instance's directory: the truth about a restored server. */
export interface Instance {
  readonly version: 1
  readonly name: InstanceName
  readonly state: InstanceState
  readonly system: SystemName
  readonly backup: BackupId
  readonly engine: 'postgres'
  /** Workflow that owns it while it is being made: `restore/<name>` and its run id. */
  readonly owner: { readonly workflowId: string; readonly runId: string }
  readonly host: string
  readonly port: number
  /** Absolute. Everything of the instance is below `directory`. */
  readonly directory: string
  readonly dataDirectory: string
  readonly socketDirectory: string
  readonly logFile: string
  /** OID → absolute directory of each remapped tablespace. */
  readonly tablespaces: Readonly<Record<string, string>>
  /** Unprivileged operating-system user the server runs as. */
  readonly user: string
  /** Directory of the server's programs. */
  readonly binDirectory: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly timeline?: number
  /** How its superuser logs in over the socket; recorded when it is RUNNING. */
  readonly login?: InstanceLogin
  /** Why it FAILED. */
  readonly failure?: string
}
