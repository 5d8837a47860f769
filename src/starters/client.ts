import { Client, Connection } from '@temporalio/client'
import type { LoadedConfig } from '../config/load-config.js'
import { temporalConnectionOptions } from '../config/temporal-connection.js'
import { HoldfastError } from '../domain/errors.js'
import { toControlPlaneError } from './temporal-failure.js'

/** Temporal, for the time of one command. */
export interface ControlPlane {
  readonly client: Client
  readonly connection: Connection
  readonly namespace: string
}

/** Opens a connection to Temporal for one command. @throws CONTROL_PLANE, also for what Temporal refuses meanwhile */
export async function withClient<T>(
  { config }: LoadedConfig,
  env: NodeJS.ProcessEnv,
  use: (plane: ControlPlane) => Promise<T>,
): Promise<T> {
  const { connectionOptions, namespace } = await temporalConnectionOptions(config, env)
  const connection = await connect(connectionOptions, env.TEMPORAL_ADDRESS ? 'TEMPORAL_ADDRESS' : '`temporal.address`')
  try {
    return await use({ client: new Client({ connection, namespace }), connection, namespace })
  } catch (error) {
    throw toControlPlaneError(error, connectionOptions.address)
  } finally {
    await connection.close()
  }
}

/** @param place where the address is from */
async function connect(options: { readonly address: string }, place: string): Promise<Connection> {
  try {
    return await Connection.connect({ ...options, connectTimeout: '10 seconds' })
  } catch (error) {
    throw new HoldfastError('CONTROL_PLANE', `cannot reach Temporal at ${options.address}`, {
      cause: error,
      hint: `start it (\`holdfast dev\` runs one for you), or correct ${place}; \`ls\`, \`show\`, \`window\` and \`instances ls\` need none`,
    })
  }
}
