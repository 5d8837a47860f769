import type { Command } from 'commander'
import { present } from '../config/present.js'
import { accessKeyIdOption, secretAccessKeyOption } from './init/credentials.js'
import type { OutputOptions } from './output.js'
import { addVerb, configPathOf } from './verb.js'

interface InitFlags extends OutputOptions {
  readonly system?: string
  readonly server?: string
  readonly role?: string
  readonly directory?: string
  readonly stateDirectory?: string
  readonly encryption: boolean
  readonly bucket?: string
  readonly region?: string
  readonly endpoint?: string
  readonly pathStyle: boolean
  readonly s3AccessKeyId?: string
  readonly s3SecretAccessKey?: string
  readonly yes?: true
  readonly doctor: boolean
}

export function addInitCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const description = 'ask a few questions and make a first configuration, its encryption key and its secrets'
  addVerb(program, 'init', description, examples)
    .option('--system <name>', 'what the system is called (default: the name of this machine)')
    .option('--server <host:port>', 'its PostgreSQL server (default: 127.0.0.1:5432)')
    .option('--role <name>', 'the role that copies it (default: backup)')
    .option(
      '--directory <path>',
      'the capture repository, made with mode 0700; from the current directory (default: /var/backups/holdfast)',
    )
    .option('--state-directory <path>', 'of state and restored servers; never asked for (default: as in docs/configuration.md)')
    .option('--no-encryption', 'store backups as they are')
    .option('--bucket <name>', 'a second copy, in S3 or what speaks like it (default: none)')
    .option('--region <name>', 'of the bucket (default: us-east-1)')
    .option('--endpoint <url>', "of the bucket (default: Amazon's)")
    .option('--no-path-style', "the endpoint takes the bucket in the host's name")
    .option(`${accessKeyIdOption} <from>`, 'env:NAME or file:path (default: what the AWS SDK finds by itself)')
    .option(`${secretAccessKeyOption} <from>`, 'env:NAME or file:path')
    .option('-y, --yes', 'ask nothing: take the defaults for what is not said')
    .option('--no-doctor', 'do not look around at the end')
    .option('--json', 'print what was made as JSON')
    .action(async (flags: InitFlags, command: Command) => {
      const { system, server, role, directory, stateDirectory, bucket, region, endpoint, s3AccessKeyId, s3SecretAccessKey } =
        flags
      const { runInit } = await import('./init/run-init.js')
      await runInit({
        path: configPathOf(command),
        env,
        settings: {
          ...present({ system, server, role, directory, stateDirectory, bucket, region, endpoint }),
          // Said or left to the question: there is no option for the default.
          ...(flags.encryption ? {} : { encryption: false }),
          ...(flags.pathStyle ? {} : { forcePathStyle: false }),
        },
        credentials: present({ accessKeyId: s3AccessKeyId, secretAccessKey: s3SecretAccessKey }),
        questions: flags.yes === undefined ? 'asked' : 'left out',
        doctor: flags.doctor ? 'asked' : 'left out',
        ...(flags.json === undefined ? {} : { json: flags.json }),
      })
    })
}

const examples = `  holdfast init                                asks; Ctrl-C writes nothing
  holdfast init --yes --system avi5            asks nothing
  holdfast init --yes --bucket backups-prod --region eu-west-1 \\
    --s3-access-key-id env:S3_ID --s3-secret-access-key file:/root/s3.secret

What is there is never overwritten. Passwords and keys are made or read, and never printed.
Exit status: 0 all is made, whatever the doctor finds; 5 something is there already; 11 left with Ctrl-C; others: see
docs/operations.md
`
