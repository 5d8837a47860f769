import { compose } from '../../composition/compose.js'
import type { LoadedConfig } from '../../config/load-config.js'
import { HoldfastError } from '../../domain/errors.js'
import { parseRepositoryName, parseSystemName, type RepositoryName, type SystemName } from '../../domain/ids.js'
import { checkConfiguration } from './check-configuration.js'
import { checkInstances } from './check-instances.js'
import { checkKeys } from './check-keys.js'
import { checkPrograms } from './check-programs.js'
import { checkRepository } from './check-repository.js'
import { checkState } from './check-state.js'
import { checkSystem } from './check-system.js'
import { checkTemporal } from './check-temporal.js'
import { type DoctorFinding, look } from './finding.js'

/**
 * Looks at everything a backup and a restore need, from this host, whatever of it fails: configuration, Temporal, keys, programs,
 * directories, repositories, systems. Stores are written to and tidied again.
 * @param only a system, with its repositories; all of them where left out. @throws NOT_FOUND
 */
export async function runDoctor(
  loaded: LoadedConfig,
  env: NodeJS.ProcessEnv,
  only: SystemName | undefined,
): Promise<readonly DoctorFinding[]> {
  const { config } = loaded
  const systems = only === undefined ? Object.keys(config.systems).map(parseSystemName) : [only]
  const composition = await compose(loaded, env)
  const known = systems.map((name) => composition.system(name))
  const findings = await Promise.all([
    checkConfiguration(loaded),
    look('Temporal', (signal) => checkTemporal(config, env, hostsOf(known, config.host), signal)),
    look('keys', () => checkKeys(config, env)),
    look('programs', () => checkPrograms(config)),
    look('state directory', () => checkState(config)),
    look('instances', (signal) => checkInstances(composition, signal)),
    ...repositoriesOf(only === undefined ? undefined : known, config.repositories).map((name) =>
      look(`repository ${name}`, (signal) => checkRepository(composition, name, signal)),
    ),
    ...systems.map((name) => look(`system ${name}`, (signal) => checkSystem(composition, name, signal))),
  ])
  return findings.flat()
}

function hostsOf(systems: readonly { readonly host: string }[], own: string): string[] {
  return [...new Set([own, ...systems.map(({ host }) => host)])]
}

function repositoriesOf(
  systems: readonly { readonly repositories: readonly RepositoryName[] }[] | undefined,
  all: Readonly<Record<string, unknown>>,
): RepositoryName[] {
  const names = systems === undefined ? Object.keys(all) : systems.flatMap(({ repositories }) => repositories)
  return [...new Set(names)].map(parseRepositoryName)
}

/** The status to end with: of the first failure. */
export function firstFailure(findings: readonly DoctorFinding[]): HoldfastError | undefined {
  const first = findings.find(({ outcome }) => outcome === 'failed')
  return first?.code === undefined ? undefined : new HoldfastError(first.code, `${first.subject}: ${first.message}`)
}
