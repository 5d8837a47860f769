import { stringify } from 'yaml'

/** What a first configuration is made of. An empty bucket is none, an empty endpoint Amazon's own. */
export interface FirstSettings {
  readonly system: string
  /** `host:port`, as in `connection.hosts`. */
  readonly server: string
  readonly role: string
  readonly directory: string
  /** Empty: the default, which depends on the user. */
  readonly stateDirectory: string
  readonly encryption: boolean
  /** Of the first key; its file is named by it. */
  readonly keyId: string
  readonly bucket: string
  readonly region: string
  readonly endpoint: string
  readonly forcePathStyle: boolean
  /** `found`: by the AWS SDK, as a role, a profile or variables. */
  readonly credentials: 'files' | 'found'
}

/** Secrets of a first configuration, from its own directory. */
export const firstSecretFiles = {
  password: 'keys/postgres.password',
  accessKeyId: 'keys/s3.id',
  secretAccessKey: 'keys/s3.secret',
} as const

export function firstKeyFile(keyId: string): string {
  return `keys/${keyId}.key`
}

export const firstRepositories = { capture: 'local', copy: 'primary' } as const

/**
 * The text of a first `holdfast.yaml`, with comments for whoever edits it. A line with `#` right before a key is configuration that
 * is switched off. Not validated: that is done by parsing it, also while the settings are still being collected.
 */
export function renderFirstConfig(settings: FirstSettings): string {
  return [head, renderPlaces(settings), renderEncryption(settings), renderRepositories(settings), renderSystem(settings)].join(
    '\n',
  )
}

const head = `# Holdfast: what is backed up, and where to. Made by \`holdfast init\`.
#
# Every key with its default and meaning: docs/configuration.md. \`holdfast doctor\` checks the file and everything it names.
# Commands and jobs read it each time, a worker (also that of \`holdfast dev\`) when it starts: restart it after a change. Relative paths start from the directory of this file.
# Secrets never stand here, only where they are: { file: path } (mode 0600) or { env: NAME }.
version: 1

# This machine, as its worker calls itself. Left out it is the machine's own name: several machines can share a file then.
#host: db1

# Where Temporal is; TEMPORAL_* variables win. \`holdfast dev\` runs one here. For good: docs/operations.md, "Temporal".
#temporal: { address: "127.0.0.1:7233", namespace: default }
`

function renderPlaces({ stateDirectory }: FirstSettings): string {
  const line = stateDirectory === '' ? '#stateDirectory: /var/lib/holdfast' : `stateDirectory: ${plain(stateDirectory)}`
  return `# State of what runs, and restored servers below it, in \`instances\`: they need the room of the databases. Local, at most 70 bytes.
${line}

# Restored servers on this machine: who they run as, and the ports they may have.
#instances: { user: postgres, ports: "15432-15532" }
`
}

function renderEncryption({ encryption, keyId }: FirstSettings): string {
  if (!encryption) {
    return `# Off: whoever reads a repository reads the databases, and whoever writes to it decides what is restored. To switch it on make
# a key with \`openssl rand -base64 32\` and write { activeKey: "…", keys: { "…": { file: … } } } (docs/configuration.md, "encryption").
encryption: off
`
  }
  return `# All that is stored is encrypted with the active key. WITHOUT ITS KEY NO BACKUP CAN BE READ: keep a copy of the key's file where
# neither this machine nor the repositories can take it down with them. To change keys add a new one, make it the active one, and
# keep the old one for as long as there are backups made with it.
encryption:
  activeKey: ${quoted(keyId)}
  keys:
    ${quoted(keyId)}: { file: ${firstKeyFile(keyId)} }
    #"another": { file: keys/another.key }
`
}

function renderRepositories(settings: FirstSettings): string {
  const { directory, bucket } = settings
  return `# Places for backups. A backup is captured into the one with \`capture: true\`, a directory on the machine that captures it, and
# copied to the others meanwhile. It needs room for two compressed backups besides those it keeps; nothing is removed by itself.
# Mount what is mounted before the worker starts. docs/configuration.md, "repositories".
repositories:
  ${firstRepositories.capture}:
    store: filesystem
    path: ${plain(directory)}
    capture: true
${bucket === '' ? '' : renderBucket(settings)}
  # One more place survives what takes this one: a bucket of another provider, a directory on another machine's disk. Take the
  # "#" away, and name it at the system below. Without \`credentials\` the AWS SDK's own are used (role, profile, variables).
  #second:
    #store: s3
    #bucket: backups-elsewhere
    #region: eu-central-1
    # For stores other than Amazon's:
    #endpoint: "https://s3.example.com"
    #forcePathStyle: true
    #credentials: { accessKeyId: { file: keys/second.id }, secretAccessKey: { file: keys/second.secret } }
`
}

function renderBucket({ bucket, region, endpoint, forcePathStyle, credentials }: FirstSettings): string {
  const { accessKeyId, secretAccessKey } = firstSecretFiles
  const lines = [
    'store: s3',
    `bucket: ${plain(bucket)}`,
    `region: ${plain(region)}`,
    ...(endpoint === '' ? [] : [`endpoint: ${quoted(endpoint)}`, `forcePathStyle: ${forcePathStyle}`]),
    credentials === 'found'
      ? '# No credentials: those the AWS SDK finds by itself, for the worker as well (role, profile, variables).'
      : `credentials: { accessKeyId: { file: ${accessKeyId} }, secretAccessKey: { file: ${secretAccessKey} } }`,
  ]
  return `  ${firstRepositories.copy}:\n${lines.map((line) => `    ${line}\n`).join('')}`
}

function renderSystem({ system, server, role, bucket }: FirstSettings): string {
  const repositories = Object.values(firstRepositories).slice(0, bucket === '' ? 1 : 2)
  return `# What is protected, each by the name its backups have. docs/configuration.md, "systems".
systems:
  ${plain(system)}:
    engine: postgres
    # The machine that captures it, where that is not the one that reads this file.
    #host: db1
    connection:
      # All of a cluster: the one that takes writes is used.
      hosts: [${quoted(server)}]
      # A role with REPLICATION, and pg_monitor to see progress and sizes.
      user: ${plain(role)}
      password: { file: ${firstSecretFiles.password} }
      # Across a network:
      #tls: { mode: require }
    repositories: [${repositories.join(', ')}]
    # So that backups leave room for others:
    #limits: { maxRate: 50MB/s, uploadRate: 100MB/s }
    # Programs around a backup, without a shell. A failure before it fails the backup, one after it is a warning.
    #hooks: { before: [["systemctl", "is-active", "postgresql"]] }
`
}

/** Any text as a value or a key of a block: quoted where YAML would take it for something else. */
function plain(text: string): string {
  return stringify(text, { lineWidth: 0 }) === `${text}\n` ? text : quoted(text)
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
