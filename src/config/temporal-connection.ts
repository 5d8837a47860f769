import { readFile } from 'node:fs/promises'
import type { TLSConfig } from '@temporalio/client'
import { type ClientConfigProfile, type ConfigDataSource, loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig'
import { HoldfastError } from '../domain/errors.js'
import type { Config, TemporalTlsConfig } from './config.js'
import { optionally, present } from './present.js'
import { type Environment, resolveSecret } from './resolve-secret.js'

/** For `Connection.connect` and `NativeConnection.connect`; it may hold an API key and a private key, so it is never logged. */
export interface TemporalConnection {
  readonly connectionOptions: {
    readonly address: string
    readonly tls?: TLSConfig | boolean
    readonly apiKey?: string
    readonly metadata?: Record<string, string>
  }
  readonly namespace: string
}

/**
 * How to reach Temporal: TEMPORAL_* variables, else a profile they name (TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE), else the file's
 * `temporal`. The user's own Temporal profile is not read unless a variable names it: it would move backups to another server unseen.
 * @throws HoldfastError CONFIG_INVALID, SECRET_MISSING
 */
export async function temporalConnectionOptions(
  { temporal }: Pick<Config, 'temporal'>,
  env: Environment,
): Promise<TemporalConnection> {
  const fromEnvironment = loadProfile(env)
  const apiKey = temporal.apiKey === undefined || fromEnvironment.apiKey ? undefined : await resolveSecret(temporal.apiKey, env)
  const profile: ClientConfigProfile = present({
    ...fromEnvironment,
    apiKey: fromEnvironment.apiKey ?? apiKey?.reveal(),
    tls: fromEnvironment.tls ?? optionally(temporal.tls, toProfileTls),
  })
  await checkFiles(profile)
  const { tls } = toClientOptions(profile).connectionOptions
  const metadata = profile.grpcMeta ?? {}
  return {
    connectionOptions: present({
      address: profile.address ?? temporal.address,
      apiKey: profile.apiKey,
      tls: tls ?? undefined,
      metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
    }),
    namespace: profile.namespace ?? temporal.namespace,
  }
}

function loadProfile(env: Environment): ClientConfigProfile {
  const named = Boolean(env.TEMPORAL_CONFIG_FILE || env.TEMPORAL_PROFILE)
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars: present(env) as Record<string, string>, disableFile: !named })
    return present({ ...profile })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HoldfastError('CONFIG_INVALID', `the TEMPORAL_ variables do not fit together: ${reason}`, {
      cause: error,
      hint: 'correct or unset them; `temporal` of the configuration file is used where they say nothing',
    })
  }
}

function toProfileTls(tls: TemporalTlsConfig): NonNullable<ClientConfigProfile['tls']> {
  const source = (path: string): ConfigDataSource => ({ path })
  return present({
    serverName: tls.serverName,
    serverCACert: optionally(tls.caFile, source),
    clientCert: optionally(tls.certFile, source),
    clientKey: optionally(tls.keyFile, source),
  })
}

/** The library reads these files too, but fails with the bare error of the operating system. */
async function checkFiles({ tls }: ClientConfigProfile): Promise<void> {
  for (const source of [tls?.serverCACert, tls?.clientCert, tls?.clientKey]) {
    if (source === undefined || !('path' in source)) continue
    try {
      await readFile(source.path)
    } catch (error) {
      throw new HoldfastError('CONFIG_INVALID', `cannot read ${source.path} for the connection to Temporal`, {
        cause: error,
        hint: 'correct temporal.tls or the TEMPORAL_TLS_ variables, or the permissions of the file',
      })
    }
  }
}
