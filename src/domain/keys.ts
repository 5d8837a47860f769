/** 32 bytes under a name. Never printed, never in a payload. */
export interface EncryptionKey {
  readonly id: string
  readonly bytes: Uint8Array
}

/** The keys of a configuration. `active` absent: encryption is off. Old keys stay for reading. */
export interface KeyRing {
  readonly active: EncryptionKey | undefined
  find(id: string): EncryptionKey | undefined
}
