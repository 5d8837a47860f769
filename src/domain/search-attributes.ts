/** Names of the search attributes every Holdfast workflow carries, all of type KEYWORD. A name is a durable contract. */
export const searchAttributes = {
  /** Name of the system. */
  system: { name: 'HoldfastSystem', type: 'KEYWORD' },
  /** `backup`, `restore`, … */
  operation: { name: 'HoldfastOperation', type: 'KEYWORD' },
  /** Id of the backup that is made or read. */
  backup: { name: 'HoldfastBackup', type: 'KEYWORD' },
  /** `running`, `complete`, `degraded`, `failed`, `stopped`. */
  outcome: { name: 'HoldfastOutcome', type: 'KEYWORD' },
} as const
