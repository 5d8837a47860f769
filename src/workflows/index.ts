export { backupSystem } from './backup-system.js'
export { restoreToNewInstance } from './restore-to-new-instance.js'
