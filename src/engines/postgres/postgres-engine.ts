import { HoldfastError } from '../../domain/errors.js'
import type { EngineFacts } from '../../domain/manifest.js'
import type { Engine } from '../engine.js'
import { captureFull } from './capture.js'
import { check } from './check.js'
import { checkHost } from './check-host.js'
import { readInstanceInventory } from './instance-files.js'
import { captureLogical } from './logical/capture-logical.js'
import { checkLogical } from './logical/check-logical.js'
import { checkSelection } from './logical/check-selection.js'
import { createDatabaseRestorer } from './logical/database-restorer.js'
import { prepareLogical } from './logical/prepare-logical.js'
import { probeLogical } from './logical/probe-logical.js'
import type { PostgresEngineOptions } from './options.js'
import { prepare } from './prepare.js'
import { probe } from './probe.js'
import { recover } from './recover.js'
import { majorOf } from './server-version.js'
import { findServerPrograms } from './tools.js'

const lookUpTimeoutMs = 10_000

/**
 * Captures PostgreSQL clusters (13 and later) with pg_basebackup, or their databases with pg_dump, and restores either into new
 * instances. Bulk methods start programs tied to this process, so they belong into a job.
 */
export function createPostgresEngine(options: PostgresEngineOptions): Engine {
  return {
    name: 'postgres',
    kinds: ['full', 'logical'],
    probe: (kind, signal) => (kind === 'logical' ? probeLogical(options, signal) : probe(options, signal)),
    binDirectoryFor: async (facts, serverVersion) => {
      const major = targetMajor(facts, serverVersion)
      const besides = 'dumps' in facts ? ['initdb', 'pg_restore', 'psql'] : []
      return findServerPrograms(options.binDirectories, major, AbortSignal.timeout(lookUpTimeoutMs), besides)
    },
    checkSelection,
    checkHost,
    capture({ kind, label }, sink, signal) {
      if (kind === 'full') return captureFull(options, label, sink, signal)
      if (kind === 'logical') return captureLogical(options, label, sink, signal)
      return Promise.reject(new HoldfastError('NOT_SUPPORTED', `the postgres engine does not take ${kind} backups yet`))
    },
    prepare: (request, signal) =>
      isLogical(request) ? prepareLogical(request, options.logical?.jobs ?? 1, signal) : prepare(request, signal),
    recover: (request, signal) => recover({ ...request, pollMs: options.pollMs }, signal),
    check: (request, signal) => (isLogical(request) ? checkLogical(request, signal) : check(request, signal)),
    async loginOf(instance) {
      const { superuser, connectDatabase } = await readInstanceInventory(instance)
      return { user: superuser, database: connectDatabase }
    },
    databases: createDatabaseRestorer(options),
  }
}

function isLogical({ manifest }: { readonly manifest: { readonly facts: EngineFacts } }): boolean {
  return 'dumps' in manifest.facts
}

/** Files belong to one major version; what pg_dump wrote, later ones read too. */
function targetMajor(facts: EngineFacts, wanted: string | undefined): string {
  const original = majorOf(facts.serverVersionNumber)
  if (wanted === undefined || wanted === original) return original
  if (!('dumps' in facts)) {
    throw new HoldfastError(
      'NOT_SUPPORTED',
      `a full backup of PostgreSQL ${original} runs on ${original} alone, not on ${wanted}`,
      {
        hint: 'take a logical backup (`holdfast backup <system> --kind logical`) to change the major version',
      },
    )
  }
  if (Number(wanted) > Number(original)) return wanted
  throw new HoldfastError('NOT_SUPPORTED', `a dump of PostgreSQL ${original} is not understood by ${wanted}`, {
    hint: `choose ${original} or later`,
  })
}
