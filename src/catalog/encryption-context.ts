/** Bound into every artifact's message when it is written and checked when it is read, so that artifacts cannot be swapped. */
export function encryptionContext(system: string, backup: string, artifact: string): Record<string, string> {
  return { system, backup, artifact }
}
