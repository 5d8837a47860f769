import type { Command } from 'commander'
import type { Composition } from '../composition/compose.js'
import type { LoadedConfig } from '../config/load-config.js'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import { type BackupId, describeBackupId, parseBackupId, parseRepositoryName, type RepositoryName } from '../domain/ids.js'
import type { Manifest } from '../domain/manifest.js'
import { type CopyDetail, describeManifest } from './describe-manifest.js'
import { wantedIn } from './list-rows.js'
import { answer, type OutputOptions } from './output.js'
import { sayWhileWaiting } from './say-while-waiting.js'
import { noneRead } from './survey-catalogs.js'
import { addVerb, compositionOf, contextOf } from './verb.js'

export function addShowCommand(program: Command, env: NodeJS.ProcessEnv): void {
  addVerb(program, 'show', 'show everything known of a backup, and its state in each repository; needs no Temporal', examples)
    .argument('<backup>', 'id of a backup, as `holdfast ls` prints it')
    .option('--json', 'print it as JSON: the manifest as stored, and the repositories')
    .action(async (id: string, options: OutputOptions, command: Command) => {
      const backup = parseBackupId(id)
      const context = await contextOf(command, env)
      const { loaded } = context
      const composition = await compositionOf(context)
      await composition.keys()
      const looks = await Promise.all(
        repositoriesToAsk(loaded).map((name) => sayWhileWaiting(name, lookAt(composition, name, backup))),
      )
      const manifest = looks.find((look) => look.manifest !== undefined)?.manifest
      const { system, kind } = describeBackupId(backup)
      const wanted = wantedIn(loaded.config, system, kind)
      // A repository that was never meant to hold it, and does not, is not worth a line.
      const copies = looks.map(({ copy }) => copy).filter((copy) => copy.state !== 'missing' || wanted.includes(copy.repository))
      if (manifest === undefined) throw nowhere(backup, looks)
      answer(options, { backup, copies, manifest }, describeManifest(manifest, copies))
    })
}

const examples = `  holdfast show avi5_full_2026-01-10T03-00-00Z
  holdfast show avi5_full_2026-01-10T03-00-00Z --json | jq .manifest.facts

Exit status: 0; 4 no such backup; 7 no repository can be read; 8 no readable manifest of it
`

interface Look {
  readonly copy: CopyDetail
  readonly manifest?: Manifest
}

function repositoriesToAsk({ config }: LoadedConfig): RepositoryName[] {
  return Object.keys(config.repositories).map(parseRepositoryName)
}

async function lookAt(composition: Composition, repository: RepositoryName, backup: BackupId): Promise<Look> {
  try {
    const catalog = await composition.catalog(repository)
    const manifest = await catalog.read(backup)
    const state = (await catalog.isTombstoned(backup)) ? 'being removed' : 'committed'
    const absent = await absentArtifacts(composition, repository, manifest)
    return absent.length === 0
      ? { manifest, copy: { repository, state } }
      : { manifest, copy: { repository, state: 'damaged', code: 'ARTIFACT_MISSING', message: absent.join('; ') } }
  } catch (error) {
    const { code, message } = toHoldfastError(error)
    if (code === 'NOT_FOUND') return { copy: { repository, state: 'missing' } }
    const state = damage.includes(code) ? 'damaged' : 'unknown'
    return { copy: { repository, state, code, message } }
  }
}

const damage: readonly string[] = ['MANIFEST_DAMAGED', 'FORMAT_UNKNOWN', 'KEY_MISSING']

/** Names and sizes alone: reading the bytes is what a verification is for. */
async function absentArtifacts(composition: Composition, repository: RepositoryName, manifest: Manifest): Promise<string[]> {
  const catalog = await composition.catalog(repository)
  const stored = new Map<string, number>()
  for await (const { key, sizeBytes } of catalog.attemptObjects(manifest.backup, manifest.attempt)) {
    stored.set(key.slice(key.lastIndexOf('/') + 1), sizeBytes)
  }
  return manifest.artifacts.flatMap(({ name, sizeBytes }) => {
    const found = stored.get(name)
    if (found === undefined) return [`${name} is not there`]
    return found === sizeBytes ? [] : [`${name} has ${found} bytes instead of ${sizeBytes}`]
  })
}

function nowhere(backup: BackupId, looks: readonly Look[]): HoldfastError {
  const copies = looks.map(({ copy }) => copy)
  const troubles = copies.flatMap(({ repository, message }) => (message === undefined ? [] : [`${repository}: ${message}`]))
  const damaged = copies.find(({ state }) => state === 'damaged')
  if (damaged?.code !== undefined) {
    return new HoldfastError(damaged.code, `no manifest of ${backup} can be read: ${troubles.join('; ')}`)
  }
  const unread = copies.flatMap(({ repository, code, message }) =>
    code === undefined || message === undefined ? [] : [{ repository, code, message, hint: '' }],
  )
  if (unread.length === copies.length) return noneRead(unread)
  const rest = troubles.length === 0 ? '' : `; not read: ${troubles.join('; ')}`
  return new HoldfastError('NOT_FOUND', `there is no backup ${backup}${rest}`)
}
