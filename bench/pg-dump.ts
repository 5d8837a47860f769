import { join } from 'node:path'
import { type Contender, figuresOf } from './contender.js'
import { loginArgs } from './fill-source.js'
import { measure } from './measure.js'
import { bucket, clearBucket, type Stage } from './stage.js'
import { storedBytes } from './stored-bytes.js'

/** What a script would do: a dump of the one database through the AWS command line. It is not encrypted. */
export function pgDump(stage: Stage, aws: string): Contender {
  const { source, places, s3 } = stage
  return {
    name: 'pg_dump',
    prepare: () => clearBucket(stage),
    async backUp() {
      const dump = [join(source.binDirectory, 'pg_dump'), '-Fc', ...loginArgs(source), 'postgres']
      const upload = [aws, 's3', 'cp', '-', `s3://${bucket}/postgres.dump`, '--endpoint-url', s3.endpoint]
      const measured = await measure(
        // A real pipe between the two, with nothing of ours in it.
        {
          program: 'bash',
          args: ['-o', 'pipefail', '-c', pipe, 'bash', String(dump.length), ...dump, ...upload],
          env: environment(),
        },
        { sourceDataDirectory: source.dataDirectory, signal: stage.signal },
      )
      const stored = await storedBytes(join(places.bucketDirectory, bucket))
      return { ...figuresOf(measured), storedBytes: stored, sourceCpuSeconds: measured.source.cpuSeconds }
    },
  }

  function environment(): Record<string, string> {
    return {
      PGPASSWORD: source.password,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      AWS_DEFAULT_REGION: s3.region,
      // With checksums in trailers, its default, versitygw answers some parts with "error parsing the HTTP request".
      AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
      AWS_CA_BUNDLE: s3.caFile ?? '',
      // What an engineer has configured for the command must not change what is measured.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    }
  }
}

/** `<length of the first command> <first command> <second command>` */
const pipe = `count=$1; shift; "\${@:1:count}" | "\${@:count+1}"`
