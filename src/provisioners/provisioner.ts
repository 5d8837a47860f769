import type { BackupId, InstanceName, SystemName } from '../domain/ids.js'
import type { Instance, InstanceState } from '../domain/instance.js'

export interface InstanceSpec {
  readonly name: InstanceName
  readonly system: SystemName
  readonly backup: BackupId
  readonly owner: Instance['owner']
  /** OIDs of the tablespaces that need a directory. */
  readonly tablespaceOids: readonly string[]
  /** Directory of the server programs to start it with. */
  readonly binDirectory: string
}

/** Where restored instances live. `instance.json` in the instance's directory is the truth about its state. */
export interface Provisioner {
  /** Makes the directories, chooses a free port. The same owner gets the same instance again. @throws INSTANCE_EXISTS */
  create(spec: InstanceSpec): Promise<Instance>
  find(name: InstanceName): Promise<Instance | undefined>
  /** Whether there is something under this name that `dispose` removes, instance or not: a creation or a removal may have broken off. */
  hasRemains(name: InstanceName): Promise<boolean>
  list(): Promise<Instance[]>
  setState(
    name: InstanceName,
    state: InstanceState,
    facts?: Partial<Pick<Instance, 'timeline' | 'login' | 'failure'>>,
  ): Promise<Instance>
  /** Starts the server if it does not run. Returns when the process is up, not when recovery is done. @throws RECOVERY_FAILED */
  start(instance: Instance, signal: AbortSignal): Promise<void>
  isRunning(instance: Instance): Promise<boolean>
  /** Stops the server if it runs. */
  stop(instance: Instance, signal: AbortSignal): Promise<void>
  /** Stops and removes everything of it. Nothing there is success. Refuses (INSTANCE_EXISTS) if another run owns it and `owner` is given. */
  dispose(name: InstanceName, signal: AbortSignal, owner?: Instance['owner']): Promise<void>
  /** Bytes free where instances go. */
  freeBytes(): Promise<number>
}
