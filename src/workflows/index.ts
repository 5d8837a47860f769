export { archiveWal } from './archive-wal.js'
export { backupSystem } from './backup-system.js'
export { restoreToNewInstance } from './restore-to-new-instance.js'
