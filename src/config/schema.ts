import { z } from 'zod'
import { duration, hostName, integer, name, path, portRange, secretReference, text } from './field.js'
import { repositorySchema } from './schema-repository.js'
import { systemSchema } from './schema-system.js'

/** The whole of `holdfast.yaml` as it is written. Strict: an unknown key is a problem. docs/configuration.md is made from it. */
export const configSchema = z.strictObject({
  version: z.literal(1).meta({ type: '`1`', example: '1', description: 'Version of this file’s format.' }),
  host: hostName('db1').exactOptional().meta({
    fallback: 'the machine’s name',
    description: 'This machine. Its worker takes what systems and restores name it as their host.',
  }),
  stateDirectory: path('/var/lib/holdfast').exactOptional().meta({
    fallback: '`/var/lib/holdfast`; without root `~/.local/state/holdfast`',
    description: 'Bulk processes keep their state and sockets here. At most 70 bytes: a socket’s path is limited by the kernel.',
  }),
  temporal: z
    .strictObject({
      address: text('an address with its port', '127.0.0.1:7233').prefault('127.0.0.1:7233'),
      namespace: text('a namespace', 'default').prefault('default'),
      apiKey: secretReference().exactOptional().meta({ description: 'For Temporal Cloud; switches TLS on.' }),
      tls: z
        .strictObject({
          caFile: path('tls/ca.pem').exactOptional(),
          certFile: path('tls/client.pem').exactOptional(),
          keyFile: path('tls/client.key').exactOptional(),
          serverName: text('a host name', 'temporal.internal').exactOptional(),
        })
        .exactOptional()
        .meta({ description: '`{}` switches TLS on with the system’s certificate authorities.' }),
    })
    .prefault({})
    .meta({ description: 'Where Temporal is. TEMPORAL_* variables win over it.' }),
  encryption: z
    .union([
      z.literal('off'),
      z.strictObject({
        activeKey: text('the id of a key', '"2026-11"').meta({ description: 'Id of the key new backups are encrypted with.' }),
        keys: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/), secretReference()).meta({
          example: '{ "2026-11": { file: keys/2026-11.key } }',
          description: 'By id: 32 bytes in base64 or hex. Keep old keys for as long as backups made with them.',
        }),
      }),
    ])
    .meta({
      type: '`off` or keys',
      example: '{ activeKey: "2026-11", keys: { "2026-11": { file: keys/2026-11.key } } }',
      description: 'Encryption of everything that is stored. `off` must be said.',
    }),
  instances: z
    .strictObject({
      directory: path('/var/lib/holdfast/instances').exactOptional().meta({ fallback: '`instances` in the state directory' }),
      user: text('a user name', 'postgres').exactOptional().meta({
        fallback: '`postgres`; without root the user Holdfast runs as',
        description: 'Restored servers run as this user; PostgreSQL refuses root.',
      }),
      ports: portRange('"15432-15532"').prefault('15432-15532').meta({ description: 'Restored servers listen on these.' }),
    })
    .prefault({})
    .meta({ description: 'Restored servers on this host.' }),
  tools: z
    .strictObject({
      postgres: z
        .record(z.string().regex(/^\d{1,2}$/), path('/usr/lib/postgresql/15/bin'))
        .prefault({})
        .meta({ description: 'By major version: the directory of PostgreSQL’s programs. Versions left out are searched for.' }),
    })
    .prefault({}),
  worker: z
    .strictObject({
      bulkSlots: integer(1, 64, '2').prefault(2).meta({ description: 'Captures and extractions at the same time.' }),
      shutdownGrace: duration('20s').prefault('20s').meta({ description: 'How long a stopping worker waits for light work.' }),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      heartbeat: duration('60s').prefault('60s').meta({ description: 'A worker silent for so long is taken for dead.' }),
      lease: duration('15m').prefault('15m').meta({ description: 'How long a lease protects a backup; it is renewed.' }),
      jobPatience: duration('30m')
        .prefault('30m')
        .meta({ description: 'A bulk process ends when no worker came by for so long.' }),
      light: duration('2m').prefault('2m').meta({ description: 'One try of a step that moves no bulk data.' }),
      capture: duration('48h').prefault('48h').meta({ description: 'The longest capture.' }),
      extract: duration('48h').prefault('48h').meta({ description: 'The longest extraction.' }),
      replay: duration('24h').prefault('24h').meta({ description: 'The longest recovery of a restored server.' }),
      replicationDeadline: duration('12h').prefault('12h').meta({
        description:
          'A repository without its copy so long after the first commit leaves the backup degraded. A repository may say otherwise.',
      }),
      retryInterval: duration('1s')
        .prefault('1s')
        .meta({ description: 'Before the first repetition of a failed step; doubles.' }),
      retryMaximumInterval: duration('1m').prefault('1m').meta({ description: 'The longest wait between repetitions.' }),
    })
    .prefault({}),
  repositories: z
    .record(name('primary'), repositorySchema)
    .meta({ description: 'Places for backups, by name.', example: '{ local: { store: filesystem, … } }' }),
  systems: z
    .record(name('avi5'), systemSchema)
    .meta({ description: 'What is protected, by name.', example: '{ avi5: { engine: postgres, … } }' }),
})

/** The file after zod: its structure, with units parsed and plain defaults filled in. */
export type ConfigFile = z.output<typeof configSchema>
