import { dirname, join } from 'node:path'
import { type FirstSettings, firstKeyFile, firstSecretFiles, renderFirstConfig } from '../../config/first-config.js'
import type { Credentials } from './credentials.js'

/** A file that is to be made, and what it is. */
export interface NewFile {
  readonly path: string
  readonly what: string
  readonly content: string
}

export interface NewKey {
  readonly id: string
  readonly path: string
  readonly bytes: Uint8Array
}

export interface PlanOptions {
  readonly settings: FirstSettings
  readonly credentials: Credentials | undefined
  readonly configPath: string
  readonly randomBytes: (count: number) => Buffer
}

export interface FilePlan {
  /** The configuration last: nothing is configured until everything it names is there. */
  readonly files: readonly NewFile[]
  readonly key: NewKey | undefined
  readonly passwordFile: string
}

/** What `init` writes: a generated key and password, the credentials, the configuration that names them. */
export function planFiles({ settings, credentials, configPath, randomBytes }: PlanOptions): FilePlan {
  const directory = dirname(configPath)
  const { keyId, role, encryption } = settings
  const bytes = randomBytes(32)
  const key = encryption ? { id: keyId, path: join(directory, firstKeyFile(keyId)), bytes } : undefined
  const passwordFile = join(directory, firstSecretFiles.password)
  const secretFile = (path: string, what: string, text: string): NewFile => ({
    path: join(directory, path),
    what,
    content: `${text}\n`,
  })
  return {
    key,
    passwordFile,
    files: [
      ...(key === undefined ? [] : [secretFile(firstKeyFile(keyId), 'the encryption key', bytes.toString('base64'))]),
      // Of letters, digits, "-" and "_": it stands unquoted in SQL, in URLs and in pgpass files.
      secretFile(firstSecretFiles.password, `password of the role ${role}, generated`, randomBytes(24).toString('base64url')),
      ...(credentials === undefined
        ? []
        : [
            secretFile(firstSecretFiles.accessKeyId, 'access key id of the bucket', credentials.accessKeyId.reveal()),
            secretFile(firstSecretFiles.secretAccessKey, 'secret access key of the bucket', credentials.secretAccessKey.reveal()),
          ]),
      { path: configPath, what: 'the configuration', content: renderFirstConfig(settings) },
    ],
  }
}
