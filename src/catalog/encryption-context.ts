/** Bound into every artifact's message when it is written and checked when it is read, so that artifacts cannot be swapped. */
export function encryptionContext(system: string, backup: string, artifact: string): Record<string, string> {
  return { system, backup, artifact }
}

/** The same of a WAL object. @param name of `walName`: it holds file, cluster and hash, so none of them can be given another's bytes. */
export function walEncryptionContext(system: string, name: string): Record<string, string> {
  return { system, wal: name }
}
