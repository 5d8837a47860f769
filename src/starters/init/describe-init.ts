import type { LoadedConfig } from '../../config/load-config.js'
import type { RepositoryName, SystemName } from '../../domain/ids.js'
import { keyFingerprint } from '../../workers/doctor/key-fingerprint.js'
import type { FilePlan } from './plan-files.js'
import { addressToFillIn, hostAccessLines, type RoleCommands, type RoleRequest, roleCommands } from './role-commands.js'

/** What `init` made and what it leaves to do; the document for `--json`. No secret is in it. */
export interface InitReport {
  readonly configuration: string
  readonly system: SystemName
  readonly files: readonly { readonly path: string; readonly what: string }[]
  readonly captureDirectory: string
  /** Where backups are copied to. */
  readonly copies: readonly RepositoryName[]
  /** Absent with encryption off. */
  readonly key?: { readonly id: string; readonly path: string; readonly fingerprint: string }
  readonly role: RoleCommands
  readonly hostAccess: readonly string[]
}

export function reportInit(
  { path, config }: LoadedConfig,
  { files, key, passwordFile }: FilePlan,
  runBy: RoleRequest['runBy'],
): InitReport {
  const [system] = Object.values(config.systems)
  const [server] = system?.connection.hosts ?? []
  const capture = system === undefined ? undefined : config.repositories[system.captureRepository]
  if (system === undefined || server === undefined || capture?.store !== 'filesystem') {
    throw new TypeError('a first configuration without its system passed validation')
  }
  const role = system.connection.user
  return {
    configuration: path,
    system: system.name,
    files: files.map(({ path: file, what }) => ({ path: file, what })),
    captureDirectory: capture.path,
    copies: system.repositories.filter((name) => name !== system.captureRepository),
    ...(key === undefined ? {} : { key: { id: key.id, path: key.path, fingerprint: keyFingerprint(key.bytes) } }),
    role: roleCommands({ role, server, passwordFile, runBy }),
    hostAccess: hostAccessLines(role, server),
  }
}

/** For a person: what was made, what to keep elsewhere, what to run. */
export function describeInit({ files, captureDirectory, copies, key, role, hostAccess, configuration }: InitReport): string {
  const made = [...files, { path: captureDirectory, what: 'the capture repository, a directory' }]
  const width = Math.max(...made.map(({ path }) => path.length))
  const unknownAddress = hostAccess.some((line) => line.includes(addressToFillIn))
  return `${[
    'made',
    ...made.map(({ path, what }) => `  ${path.padEnd(width)}  ${what}`),
    '',
    ...(key === undefined ? unencrypted : keepKey(key)),
    ...(copies.length > 0 ? [] : onlyHere(configuration)),
    '',
    'Let the role in. It may copy the whole cluster, which is as much as reading everything in it. As superuser of the server; how to',
    'become it may differ on your machine:',
    '',
    role.create,
    '',
    'Where configuration files are outside the data directory, as on Debian, let it read files of the server to have them in backups:',
    '',
    role.readFiles,
    '',
    `Unless pg_hba.conf of the server lets it in already, add these lines${unknownAddress ? ' with the address filled in' : ''}, and reload (SELECT pg_reload_conf()):`,
    '',
    ...hostAccess,
  ].join('\n')}\n`
}

function keepKey({ id, path, fingerprint }: NonNullable<InitReport['key']>): string[] {
  return [
    `KEEP A COPY OF THE KEY ELSEWHERE: ${path}`,
    '  Without it no backup can be read, by anyone. Put it where neither this machine nor the repositories can take it down with them,',
    '  and the other files beside it: they save an hour on the worst day.',
    `  key ${id}, fingerprint ${fingerprint}; \`holdfast doctor\` shows it too`,
  ]
}

function onlyHere(configuration: string): string[] {
  return [
    '',
    'Backups stay on this machine alone, and are lost with it: enough to try, not to keep. A bucket or a disk elsewhere is a second',
    `  repository: the example \`second\` in ${configuration} shows how.`,
  ]
}

const unencrypted = ['Backups are NOT encrypted: whoever reads a repository reads the databases.']

/** What to do when everything is there. @param option what names the configuration to the other verbs */
export function describeNextSteps({ system }: InitReport, option: string): string {
  const verbs = ['doctor', `backup ${system}`, `ls ${system}`, `restore ${system} --name ${system}-check`]
  return `${[
    'Next: let the role in, and run Temporal and a worker in another terminal, to look around:',
    `  holdfast${option} dev`,
    'Then, in this one:',
    ...verbs.map((verb) => `  holdfast${option} ${verb}`),
  ].join('\n')}\n`
}
