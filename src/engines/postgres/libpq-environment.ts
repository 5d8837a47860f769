import type { Access } from './connection.js'

/** What libpq's programs need to log in, besides host, port and user: passwords are in the environment alone. */
export function libpqEnvironment(access: Access, applicationName = access.applicationName ?? 'holdfast'): Record<string, string> {
  return {
    ...(access.password === undefined ? {} : { PGPASSWORD: access.password }),
    PGSSLMODE: access.sslmode ?? 'prefer',
    ...(access.sslRootCertificate === undefined ? {} : { PGSSLROOTCERT: access.sslRootCertificate }),
    ...(access.sslClientCertificate === undefined
      ? {}
      : { PGSSLCERT: access.sslClientCertificate.certificate, PGSSLKEY: access.sslClientCertificate.key }),
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(access.connectTimeoutMs / 1000))),
    PGAPPNAME: applicationName,
  }
}

/** A connection whose other end vanished would otherwise be waited for two hours. */
export const keepalives = 'keepalives_idle=30 keepalives_interval=10 keepalives_count=6'
