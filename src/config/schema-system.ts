import { z } from 'zod'
import { byteSize, duration, hostAndPort, hostName, integer, name, oneOf, path, rate, secretReference, text } from './field.js'

const command = z
  .array(text('a word', 'systemctl'))
  .min(1)
  .meta({ type: 'a program and its arguments', example: '[ "systemctl", "reload", "app" ]' })
const commands = z
  .array(command)
  .prefault([])
  .meta({ type: 'a list of commands', example: '[ [ "systemctl", "reload", "app" ] ]' })
const names = (example: string) => z.array(name('primary')).min(1).meta({ type: 'a list of repositories', example })
const schedule = () =>
  text('a cron schedule', '"0 3 * * *"')
    .exactOptional()
    .meta({ description: 'Not yet supported: start backups with cron or by hand.' })

const kind = z.strictObject({
  schedule: schedule(),
  repositories: names('[local, primary]').exactOptional().meta({ fallback: 'those of the system' }),
})

const logicalKind = z.strictObject({
  ...kind.shape,
  databases: z.array(text('a database’s name', 'shop')).min(1).exactOptional().meta({
    type: 'a list of databases',
    example: '[shop]',
    fallback: 'all',
    description: 'All are those that allow connections, without the templates; at most 900.',
  }),
  jobs: integer(1, 64, '4').prefault(1).meta({
    description:
      'Tables read at a time; above 1 a dump lies uncompressed in the capture repository for a while. Also of restores.',
  }),
})

const postgres = z.strictObject({
  engine: z.literal('postgres').meta({ type: '`postgres`', example: 'postgres' }),
  host: hostName('db1').exactOptional().meta({
    fallback: 'the file’s `host`',
    description: 'The machine whose worker captures it: the database’s own, or a backup host.',
  }),
  connection: z.strictObject({
    hosts: z.array(hostAndPort('"<host>:<port>"')).min(1).meta({
      type: 'a list of hosts with ports',
      example: '[ "127.0.0.1:5432" ]',
      description:
        'All are asked; the first that takes writes is used, of several the one with the highest timeline. A directory is one of Unix sockets.',
    }),
    user: text('a user name', 'backup').meta({
      description: 'A role with REPLICATION and pg_read_all_settings; for logical backups with pg_read_all_data.',
    }),
    password: secretReference().exactOptional().meta({ fallback: 'none: trust, peer, a certificate or ~/.pgpass' }),
    database: text('a database’s name', 'postgres').prefault('postgres').meta({ description: 'For questions to the server.' }),
    connectTimeout: duration('10s').prefault('10s'),
    tls: z
      .strictObject({
        mode: oneOf(['prefer', 'disable', 'require', 'verify-ca', 'verify-full']).prefault('prefer'),
        caFile: path('tls/ca.pem').exactOptional(),
        certFile: path('tls/client.pem').exactOptional(),
        keyFile: path('tls/client.key').exactOptional(),
      })
      .prefault({})
      .meta({ description: 'As libpq’s `sslmode` (but for `allow`), `sslrootcert`, `sslcert` and `sslkey`.' }),
  }),
  repositories: names('[local, primary]').meta({ description: 'Where its backups go; exactly one with `capture: true`.' }),
  kinds: z
    .strictObject({
      full: kind.exactOptional(),
      incremental: kind.exactOptional().meta({ description: 'Not yet supported.' }),
      differential: kind.exactOptional().meta({ description: 'Not yet supported.' }),
      logical: logicalKind.exactOptional().meta({ description: 'Dumps of single databases, by pg_dump.' }),
    })
    .prefault({ full: {} })
    .meta({ description: 'What backups are made of it.' }),
  wal: z
    .strictObject({
      mode: oneOf(['stream']).meta({ description: '`stream`: received by pg_receivewal, on `host`.' }),
      required: names('[primary]').meta({
        description: 'The server keeps WAL until all of these hold it; all other repositories of the system get it too.',
      }),
      spool: z
        .strictObject({
          directory: path('/var/spool/holdfast').exactOptional().meta({
            fallback: '`wal` in the state directory',
            description: 'On `host`; each system has a directory of its own in it.',
          }),
          maxSize: byteSize('256MiB', '20GB').prefault('20GB').meta({
            description:
              'What waits for repositories that are away. Beyond it WAL that only repositories not required lack is dropped, then receiving waits.',
          }),
        })
        .prefault({})
        .meta({ description: 'Where WAL waits on its way.' }),
    })
    .exactOptional()
    .meta({ description: 'WAL between backups is archived: restores reach any moment. Absent: the ends of backups only.' }),
  verify: z
    .strictObject({ schedule: schedule(), target: text('a moment', '"-24h"').exactOptional() })
    .exactOptional()
    .meta({ description: 'Not yet supported.' }),
  drill: z.strictObject({ schedule: schedule() }).exactOptional().meta({ description: 'Not yet supported.' }),
  objectives: z
    .strictObject({
      rpo: duration('5m').exactOptional().meta({
        description: 'How much may be lost: WAL is archived, and proven, three times in this time, at least every minute.',
      }),
      rto: duration('1h').exactOptional().meta({ description: 'How long a restore may take.' }),
      backupWindow: duration('3h').exactOptional().meta({ description: 'How long a backup may take.' }),
    })
    .prefault({})
    .meta({ description: 'What was promised. Of these only `rpo` changes what is done, where WAL is archived.' }),
  compression: z
    .strictObject({
      where: oneOf(['auto', 'server', 'client', 'holdfast']).prefault('auto').meta({
        description: '`auto`: by the server where it can, else by pg_basebackup, else by Holdfast.',
      }),
      level: integer(1, 19, '1').exactOptional().meta({ fallback: '`1`', description: 'Of zstd.' }),
    })
    .prefault({}),
  limits: z
    .strictObject({
      maxRate: rate('50MB/s').exactOptional().meta({
        fallback: 'none',
        description:
          'Of reading from the server: of a full backup what goes over the wire, so after compression where the server compresses; of a dump what `pg_dump` writes, before compression.',
      }),
      uploadRate: rate('100MB/s').exactOptional().meta({ fallback: 'none', description: 'Of sending to one repository.' }),
      compressionLevel: integer(1, 19, '1')
        .exactOptional()
        .meta({ description: 'The same as `compression.level`; one of them.' }),
    })
    .prefault({}),
  hooks: z
    .strictObject({
      before: commands.meta({ description: 'A failure fails the backup. A worker that dies may leave one to be run again.' }),
      after: commands.meta({ description: 'A failure is a warning.' }),
    })
    .prefault({})
    .meta({ description: 'Programs run around a backup, without a shell.' }),
  smokeTests: z
    .strictObject({
      tables: z
        .array(
          z.strictObject({
            name: text('a table', 'public.trades'),
            minRows: integer(0, Number.MAX_SAFE_INTEGER, '1').prefault(1),
          }),
        )
        .prefault([]),
      queries: z
        .array(z.strictObject({ sql: text('a query', '"select 1"'), expect: z.string().meta({ type: 'text', example: '"1"' }) }))
        .prefault([]),
    })
    .exactOptional()
    .meta({ description: 'Not yet supported.' }),
})

export const systemSchema = z.discriminatedUnion('engine', [postgres])
