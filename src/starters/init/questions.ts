import type { FirstSettings } from '../../config/first-config.js'

/** One question of `init`. The answer may come from an option as well. */
export type Question = TextQuestion | ChoiceQuestion

interface AnyQuestion {
  /** Where left out, it is never asked: the option alone sets it. */
  readonly ask?: string
  /** The option that answers it. */
  readonly option: string
  /** Where left out, always. */
  readonly matters?: 'with a bucket' | 'with an endpoint'
}

interface TextQuestion extends AnyQuestion {
  readonly kind: 'text'
  readonly key: 'system' | 'server' | 'role' | 'directory' | 'stateDirectory' | 'bucket' | 'region' | 'endpoint'
}

interface ChoiceQuestion extends AnyQuestion {
  readonly kind: 'yes or no'
  readonly key: 'encryption' | 'forcePathStyle'
}

/** In the order of the questions. */
export const questions: readonly Question[] = [
  { kind: 'text', key: 'system', option: '--system', ask: 'Name of the system, as its backups are called' },
  { kind: 'text', key: 'server', option: '--server', ask: 'Address of its PostgreSQL server' },
  { kind: 'text', key: 'role', option: '--role', ask: 'Role that copies it' },
  { kind: 'text', key: 'directory', option: '--directory', ask: 'Directory for backups on this machine' },
  { kind: 'text', key: 'stateDirectory', option: '--state-directory' },
  { kind: 'yes or no', key: 'encryption', option: '--no-encryption', ask: 'Encrypt backups' },
  { kind: 'text', key: 'bucket', option: '--bucket', ask: 'S3 bucket for a second copy (empty: none)' },
  { kind: 'text', key: 'region', option: '--region', ask: 'Its region', matters: 'with a bucket' },
  { kind: 'text', key: 'endpoint', option: '--endpoint', ask: "Its endpoint (empty: Amazon's)", matters: 'with a bucket' },
  {
    kind: 'yes or no',
    key: 'forcePathStyle',
    option: '--no-path-style',
    ask: 'Does the endpoint take the bucket in the path',
    matters: 'with an endpoint',
  },
]

/** What `--yes` takes. Machines that share a bucket must not call their systems by one name: it is the machine's. */
export function defaultSettings(hostName: string, now: Date): FirstSettings {
  return {
    system: nameOf(hostName),
    server: '127.0.0.1:5432',
    role: 'backup',
    directory: '/var/backups/holdfast',
    stateDirectory: '',
    encryption: true,
    keyId: now.toISOString().slice(0, 7),
    bucket: '',
    region: 'us-east-1',
    endpoint: '',
    forcePathStyle: true,
    credentials: 'found',
  }
}

export function doesMatter({ matters }: Question, { bucket, endpoint }: FirstSettings): boolean {
  if (matters === undefined) return true
  return bucket !== '' && (matters === 'with a bucket' || endpoint !== '')
}

/** The first part of a host's name, as far as it can be a system's. */
function nameOf(hostName: string): string {
  const [label = ''] = hostName.toLowerCase().split('.')
  const name = label.replace(/[^a-z0-9_-]+/g, '-').replace(/^[_-]+/, '')
  return name === '' ? 'main' : name.slice(0, 63)
}
