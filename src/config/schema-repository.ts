import { z } from 'zod'
import { byteSize, duration, flag, httpUrl, integer, path, secretReference, text } from './field.js'

const any = Number.MAX_SAFE_INTEGER

const common = {
  retention: z
    .strictObject({
      days: integer(1, any, '90').exactOptional().meta({ description: 'Keep what is younger.' }),
      fulls: integer(1, any, '4').exactOptional().meta({ description: 'Keep so many full backups, however old.' }),
    })
    .prefault({})
    .meta({ description: 'What a sweep keeps. This version has no sweep: nothing is removed yet.' }),
  replicationDeadline: duration('12h').exactOptional().meta({ fallback: '`timeouts.replicationDeadline`' }),
  tiers: z
    .array(
      z.strictObject({
        afterDays: integer(0, any, '30'),
        class: text('a storage class', 'GLACIER'),
      }),
    )
    .exactOptional()
    .meta({ type: 'a list', example: '[ { afterDays: 30, class: GLACIER } ]', description: 'Not yet supported.' }),
}

const filesystem = z.strictObject({
  store: z.literal('filesystem').meta({ type: '`filesystem`', example: 'filesystem' }),
  path: path('/var/backups/holdfast').meta({ description: 'A directory on the host of the systems that use it.' }),
  capture: flag('true').prefault(false).meta({
    description: 'Backups are captured here, and copied to the others from here. One for each system.',
  }),
  ...common,
})

const s3 = z.strictObject({
  store: z.literal('s3').meta({ type: '`s3`', example: 's3' }),
  capture: z.literal(false).exactOptional().meta({ type: '`false`', example: 'false' }),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
    .meta({ type: 'a bucket’s name', example: 'backups-prod' }),
  prefix: z
    .string()
    .regex(/^$|^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*\/?$/)
    .prefault('')
    .meta({ type: 'a prefix of names and "/"', example: 'holdfast', description: 'Everything is put below it.' }),
  region: text('a region', 'eu-west-1').prefault('us-east-1'),
  endpoint: httpUrl('"https://s3.example.com"').exactOptional().meta({ fallback: 'Amazon’s' }),
  forcePathStyle: flag('true').prefault(false).meta({ description: 'Bucket in the path, not in the host’s name.' }),
  credentials: z
    .strictObject({
      accessKeyId: secretReference(),
      secretAccessKey: secretReference(),
      sessionToken: secretReference().exactOptional(),
    })
    .exactOptional()
    .meta({ fallback: 'what the AWS SDK finds: role, profile, variables' }),
  tls: z
    .strictObject({ caFile: path('tls/ca.pem').meta({ description: 'Certificate authority of the endpoint.' }) })
    .exactOptional(),
  storageClass: text('a storage class', 'STANDARD_IA').exactOptional().meta({ fallback: 'the bucket’s' }),
  partSize: byteSize('5MiB', '16MiB')
    .exactOptional()
    .meta({ fallback: 'chosen from the size of what is sent', description: 'At least 5MiB.' }),
  partsInFlight: integer(1, 64, '4')
    .prefault(4)
    .meta({ description: 'Parts, or files of WAL, sent at the same time; each part takes its size of memory.' }),
  requestTimeout: duration('2m').prefault('2m').meta({ description: 'One request, a part’s upload included.' }),
  ...common,
})

export const repositorySchema = z.discriminatedUnion('store', [filesystem, s3])
