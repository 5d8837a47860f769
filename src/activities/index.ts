import type { Composition } from '../composition/compose.js'
import { createBackupActivities } from './backup-activities.js'
import { createDatabaseRestoreActivities } from './database-restore-activities.js'
import { createLeaseActivities } from './lease-activities.js'
import { createRestoreActivities } from './restore-activities.js'
import { createWalActivities } from './wal-activities.js'

/** Every activity, under the names workflows know them by. */
export function createActivities(composition: Composition) {
  return {
    ...createBackupActivities(composition),
    ...createLeaseActivities(composition),
    ...createRestoreActivities(composition),
    ...createDatabaseRestoreActivities(composition),
    ...createWalActivities(composition),
  }
}

export type Activities = ReturnType<typeof createActivities>
