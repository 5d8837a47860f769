import { HoldfastError } from '../../domain/errors.js'

/** Where a server listens. */
export interface ServerAddress {
  /** A host name, an address, or the directory of a Unix socket. */
  readonly host: string
  readonly port: number
  /** For messages. */
  readonly label: string
}

const defaultPort = 5432

/**
 * Reads `host`, `host:port`, `[::1]:port`, `/directory` and `/directory:port`.
 * @throws HoldfastError CONFIG_INVALID
 */
export function parseServerAddress(text: string): ServerAddress {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.%\w]+)\]|(?<directory>\/[^:]*)|(?<name>[^/:[\]\s]+))(?::(?<port>\d{1,5}))?$/.exec(text)
  const { v6, directory, name, port } = match?.groups ?? {}
  const host = v6 ?? directory ?? name
  const number = port === undefined ? defaultPort : Number(port)
  if (host === undefined || number < 1 || number > 65535) {
    throw new HoldfastError('CONFIG_INVALID', `"${text}" is not the address of a PostgreSQL server`, {
      hint: 'write host:port, [v6 address]:port, or the directory of its socket',
    })
  }
  return { host, port: number, label: text }
}
