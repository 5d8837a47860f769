import type { Config, PostgresHost, PostgresSystemConfig, PostgresTlsConfig, SystemConfig } from '../config/config.js'
import { resolveSecret } from '../config/resolve-secret.js'
import type { Engine } from '../engines/engine.js'
import type { PostgresEngineOptions } from '../engines/postgres/options.js'
import type { WalSource } from '../engines/wal-source.js'

const pollMs = 200

/** The one place where engines are named. */
export async function composeEngine(system: SystemConfig, config: Config, env: NodeJS.ProcessEnv): Promise<Engine> {
  switch (system.engine) {
    case 'postgres': {
      const { createPostgresEngine } = await import('../engines/postgres/postgres-engine.js')
      return createPostgresEngine(await postgresOptions(system, config, env))
    }
  }
}

/** Where a system's write-ahead log comes from. */
export async function composeWalSource(system: SystemConfig, config: Config, env: NodeJS.ProcessEnv): Promise<WalSource> {
  switch (system.engine) {
    case 'postgres': {
      const { createPostgresWalSource } = await import('../engines/postgres/wal/postgres-wal-source.js')
      return createPostgresWalSource(await postgresOptions(system, config, env), system.name)
    }
  }
}

async function postgresOptions(
  system: PostgresSystemConfig,
  config: Config,
  env: NodeJS.ProcessEnv,
): Promise<PostgresEngineOptions> {
  const { hosts, user, password, database, connectTimeoutMs, tls } = system.connection
  const secret = password === undefined ? {} : { password: (await resolveSecret(password, env)).reveal() }
  const { maxRateBytesPerSecond } = system.limits
  return {
    hosts: hosts.map(hostText),
    user,
    database,
    connectTimeoutMs,
    sslmode: tls.mode,
    ...(tls.caFile === undefined ? {} : { sslRootCertificate: tls.caFile }),
    ...clientCertificate(tls),
    ...secret,
    binDirectories: config.tools.postgres,
    compression: system.compression,
    ...(maxRateBytesPerSecond === undefined ? {} : { maxRateBytesPerSecond }),
    ...(system.kinds.logical === undefined ? {} : { logical: system.kinds.logical }),
    pollMs,
  }
}

/** Both or neither: one alone is a contradiction the configuration does not pass with. */
function clientCertificate({ certFile, keyFile }: PostgresTlsConfig) {
  if (certFile === undefined || keyFile === undefined) return {}
  return { sslClientCertificate: { certificate: certFile, key: keyFile } }
}

/** `host:port`, with brackets around an IPv6 address; a socket's directory keeps its path. */
function hostText({ host, port }: PostgresHost): string {
  return host.includes(':') && !host.startsWith('/') ? `[${host}]:${port}` : `${host}:${port}`
}
