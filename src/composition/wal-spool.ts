import { join } from 'node:path'
import type { WalConfig } from '../config/config.js'
import { createFilesystemStore } from '../storage/filesystem-store.js'
import type { Growing, Store } from '../storage/store.js'

/** Where a system's WAL waits on its host. */
export interface WalSpool {
  readonly directory: string
  /** Of sealed files, under the keys they get in every repository. */
  readonly store: Store & { readonly growing: Growing }
  readonly maximumBytes: number
}

export function composeWalSpool({ spoolDirectory, spoolMaximumBytes }: WalConfig): WalSpool {
  return {
    directory: spoolDirectory,
    store: createFilesystemStore({ root: join(spoolDirectory, 'sealed') }),
    maximumBytes: spoolMaximumBytes,
  }
}
