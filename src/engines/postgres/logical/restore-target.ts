import { join } from 'node:path'
import type { Instance } from '../../../domain/instance.js'
import type { Command, SystemUser } from '../../../process/command.js'
import type { Access } from '../connection.js'
import { instanceAccess } from '../instance-access.js'
import { instanceFiles } from '../instance-files.js'
import type { Inventory } from '../inventory.js'
import { keepalives, libpqEnvironment } from '../libpq-environment.js'
import type { ServerAddress } from '../server-address.js'
import { conninfo } from './conninfo.js'

/** The server that dumps are restored into. */
export interface RestoreTarget {
  /** Of what is restored. */
  readonly inventory: Inventory
  /** Of the programs of the server's own version. */
  readonly binDirectory: string
  readonly access: Access
  readonly address: ServerAddress
  /** Who the programs run as, and who owns the files they read. */
  readonly owner: SystemUser
  readonly listDirectory: string
  /** Where an archive of a directory is unpacked while it is needed. */
  readonly dumpDirectory: string
}

/** An instance's server, where we are its superuser. */
export function instanceTarget(instance: Instance, inventory: Inventory, owner: SystemUser): RestoreTarget {
  return {
    ...instanceAccess(instance, inventory),
    inventory,
    binDirectory: instance.binDirectory,
    owner,
    listDirectory: instanceFiles(instance).directory,
    dumpDirectory: join(instance.directory, 'dump'),
  }
}

/** A program of the server's own version, logged in to it. */
export function targetCommand(target: RestoreTarget, program: string, database: string, args: readonly string[]): Command {
  const { access, address, binDirectory, owner } = target
  const connection = conninfo({ host: address.host, port: String(address.port), user: access.user, dbname: database })
  return {
    program: join(binDirectory, program),
    args: [...args, '--no-password', '--dbname', `${connection} ${keepalives}`],
    // A database's own setting is there before its contents are.
    env: { ...libpqEnvironment(access), PGOPTIONS: '-c default_transaction_read_only=off' },
    cwd: '/',
    runAs: owner,
    ...(access.password === undefined ? {} : { secrets: [access.password] }),
  }
}
