import { join } from 'node:path'
import type { Instance } from '../../../domain/instance.js'
import type { Command, SystemUser } from '../../../process/command.js'
import { instanceAccess } from '../instance-access.js'
import type { Inventory } from '../inventory.js'
import { libpqEnvironment } from '../libpq-environment.js'
import { conninfo } from './conninfo.js'

/** The server that dumps are restored into. */
export interface RestoreTarget {
  readonly instance: Instance
  readonly inventory: Inventory
  readonly owner: SystemUser
}

/** A program of the server's own version, logged in as its superuser over the socket. */
export function targetCommand(
  { instance, inventory, owner }: RestoreTarget,
  program: string,
  database: string,
  args: readonly string[],
): Command {
  const { access, address } = instanceAccess(instance, inventory)
  const connection = conninfo({ host: address.host, port: String(address.port), user: access.user, dbname: database })
  return {
    program: join(instance.binDirectory, program),
    args: [...args, '--no-password', '--dbname', connection],
    // A database's own setting is there before its contents are.
    env: { ...libpqEnvironment(access, 'holdfast'), PGOPTIONS: '-c default_transaction_read_only=off' },
    cwd: '/',
    runAs: owner,
  }
}
