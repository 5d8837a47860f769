import type { Instance } from '../../domain/instance.js'
import type { Access } from './connection.js'
import type { Inventory } from './inventory.js'
import type { ServerAddress } from './server-address.js'

/** How we log in to a restored server: as its superuser, over the socket only the server's user can reach. */
export function instanceAccess(instance: Instance, inventory: Inventory): { access: Access; address: ServerAddress } {
  return {
    access: {
      user: inventory.superuser,
      database: inventory.connectDatabase,
      sslmode: 'disable',
      connectTimeoutMs: 10_000,
    },
    address: { host: instance.socketDirectory, port: instance.port, label: `instance ${instance.name}` },
  }
}
