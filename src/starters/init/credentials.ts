import { type Environment, resolveSecret } from '../../config/resolve-secret.js'
import { HoldfastError } from '../../domain/errors.js'
import { createSecret, type Secret } from '../../domain/secret.js'
import type { Terminal } from './terminal.js'

export interface Credentials {
  readonly accessKeyId: Secret
  readonly secretAccessKey: Secret
}

/** `env:NAME` or `file:path`: a value on a command line can be read by everybody on the machine. */
export interface GivenCredentials {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
}

/**
 * Reads the credentials of the bucket from where the options say, else asks for them.
 * @returns undefined where the AWS SDK has to find its own. @throws USAGE, SECRET_MISSING, CONFIG_INVALID (a file open to others), STOPPED
 */
export async function collectCredentials(
  given: GivenCredentials,
  terminal: Terminal | undefined,
  env: Environment,
): Promise<Credentials | undefined> {
  const { accessKeyId, secretAccessKey } = given
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return {
      accessKeyId: await resolveSecret(referenceOf(accessKeyId, accessKeyIdOption), env),
      secretAccessKey: await resolveSecret(referenceOf(secretAccessKey, secretAccessKeyOption), env),
    }
  }
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    throw new HoldfastError('USAGE', `${accessKeyIdOption} and ${secretAccessKeyOption} go together`)
  }
  return terminal === undefined ? undefined : askForThem(terminal)
}

export const accessKeyIdOption = '--s3-access-key-id'
export const secretAccessKeyOption = '--s3-secret-access-key'

/** @throws USAGE without repeating what was given: it may be the secret itself */
function referenceOf(text: string, option: string): { readonly env: string } | { readonly file: string } {
  const [, kind, place] = /^(env|file):(.+)$/s.exec(text) ?? []
  if (kind === undefined || place === undefined) {
    throw new HoldfastError('USAGE', `${option} says where the secret is, env:NAME or file:path, never the secret itself`, {
      hint: 'if a secret was on the command line, it was seen: replace it at the store',
    })
  }
  return kind === 'env' ? { env: place } : { file: place }
}

async function askForThem(terminal: Terminal): Promise<Credentials | undefined> {
  const accessKeyId = await terminal.askHidden('Its access key id (not shown; empty: what the AWS SDK finds by itself): ')
  if (accessKeyId === '') return undefined
  for (;;) {
    const secretAccessKey = await terminal.askHidden('Its secret access key (not shown): ')
    if (secretAccessKey !== '') return { accessKeyId: createSecret(accessKeyId), secretAccessKey: createSecret(secretAccessKey) }
  }
}
