import { randomBytes } from 'node:crypto'
import { formatLsn, lsnToBytes } from '../../../domain/lsn.js'
import type { WalSource } from '../../wal-source.js'
import { askServer } from '../ask-server.js'
import { applicationName } from '../base-backup-command.js'
import type { PostgresEngineOptions } from '../options.js'
import { parseServerAddress } from '../server-address.js'
import { checkWalFile } from './check-file.js'
import { dropEverywhere } from './drop-slots.js'
import { asPostgres, findServer } from './find-server.js'
import { guardName } from './guard-name.js'
import { guardOthers } from './guard-others.js'
import { advanceSlot, ensureSlot } from './guard-slot.js'
import { hasReached, lookAtWal } from './look.js'
import { probeWal } from './probe-wal.js'
import { receiveUntil, startReceiving } from './receive.js'
import { readyDirectory } from './receive-directory.js'

/** The WAL of a PostgreSQL cluster: received by pg_receivewal, kept by a physical replication slot until it is archived. */
export function createPostgresWalSource(options: PostgresEngineOptions, system: string): WalSource {
  const slot = guardName(system)
  // Of this process alone: how far another archiver of the same server has come says nothing of what lies here.
  const receiver = `${applicationName(`wal ${system}`).slice(0, 54)} ${randomBytes(4).toString('hex')}`
  return {
    find: (signal) => findServer(options, signal),
    ensureGuard: (server, signal) => askServer(options, asPostgres(server), signal, (connection) => ensureSlot(connection, slot)),
    advanceGuard: (server, lsn, signal) =>
      askServer(options, asPostgres(server), signal, (connection) => advanceSlot(connection, slot, lsn)),
    guardOthers: (server, lsn, signal) => guardOthers(options, { primary: asPostgres(server).address, name: slot, lsn }, signal),
    dropGuard: (signal) => dropEverywhere(options, slot, signal),
    look: (server, signal) => askServer(options, asPostgres(server), signal, (connection) => lookAtWal(connection, receiver)),
    async receive(server, from, directory, signal) {
      await readyDirectory(directory, from, server.segmentSizeBytes)
      return startReceiving({ options, server: asPostgres(server), directory, applicationName: receiver }, signal)
    },
    async receiveElsewhere(server, from, to, directory, signal) {
      const { address: primary, major } = asPostgres(server)
      const lastByte = formatLsn(lsnToBytes(to) - 1n)
      for (const address of options.hosts.map(parseServerAddress).filter(({ label }) => label !== primary.label)) {
        const other = { address, label: address.label, major }
        try {
          if (!(await askServer(options, { address }, signal, (connection) => hasReached(connection, to)))) continue
          await readyDirectory(directory, from, server.segmentSizeBytes)
          return await receiveUntil({ options, server: other, directory, applicationName: receiver }, lastByte, signal)
        } catch {
          // It has no more than the primary, or does not answer: the next one may.
          signal.throwIfAborted()
        }
      }
    },
    checkFile: checkWalFile,
    probe: (signal) => probeWal(options, slot, signal),
  }
}
