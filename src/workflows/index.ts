export { archiveWal } from './archive-wal.js'
export { backupSystem } from './backup-system.js'
export { restoreIntoDatabase } from './restore-into-database.js'
export { restoreToNewInstance } from './restore-to-new-instance.js'
