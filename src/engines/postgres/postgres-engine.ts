import { HoldfastError } from '../../domain/errors.js'
import type { Engine } from '../engine.js'
import { captureFull } from './capture.js'
import { check } from './check.js'
import type { PostgresEngineOptions } from './options.js'
import { prepare } from './prepare.js'
import { probe } from './probe.js'
import { recover } from './recover.js'
import { majorOf } from './server-version.js'
import { findServerPrograms } from './tools.js'

const lookUpTimeoutMs = 10_000

/**
 * Captures PostgreSQL clusters (13 and later) with pg_basebackup and restores them into new instances, each on a timeline of
 * its own. Bulk methods start programs tied to this process, so they belong into a job.
 */
export function createPostgresEngine(options: PostgresEngineOptions): Engine {
  return {
    name: 'postgres',
    kinds: ['full'],
    probe: (signal) => probe(options, signal),
    binDirectoryFor: ({ serverVersionNumber }) =>
      findServerPrograms(options.binDirectories, majorOf(serverVersionNumber), AbortSignal.timeout(lookUpTimeoutMs)),
    capture({ kind, label }, sink, signal) {
      if (kind === 'full') return captureFull(options, label, sink, signal)
      return Promise.reject(new HoldfastError('NOT_SUPPORTED', `the postgres engine does not take ${kind} backups yet`))
    },
    prepare: (request, signal) => prepare(request, signal),
    recover: (instance, manifest, progress, signal) => recover({ instance, manifest, progress, pollMs: options.pollMs }, signal),
    check: (request, signal) => check(request, signal),
  }
}
