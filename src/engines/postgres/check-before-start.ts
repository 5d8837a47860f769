import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError, toHoldfastError } from '../../domain/errors.js'
import type { Instance } from '../../domain/instance.js'
import type { Lsn } from '../../domain/lsn.js'
import type { PostgresFacts } from '../../domain/manifest.js'
import type { CheckResult } from '../../domain/operations.js'
import { physicalFacts } from '../../domain/physical-facts.js'
import { segmentStart, tryParseSegmentName } from '../../domain/wal.js'
import { runProgram } from '../../process/run-program.js'
import type { CheckRequest } from '../engine.js'
import { type BackupManifest, parseBackupManifest } from './backup-manifest.js'
import { instanceFiles } from './instance-files.js'
import { findNewTablespace, newTablespaceMessage } from './new-tablespace.js'
import { ownerOf } from './owned-files.js'
import { verifyFiles } from './verify-files.js'

const stage = 'beforeStart'

/** Every file against PostgreSQL's manifest, and the WAL from start to stop. Must run before the server changes the files. */
export async function checkBeforeStart({ instance, manifest }: CheckRequest, signal: AbortSignal): Promise<CheckResult[]> {
  const files = instanceFiles(instance)
  let backupManifest: BackupManifest
  try {
    backupManifest = parseBackupManifest(await readFile(files.backupManifest))
  } catch (error) {
    const { message } = toHoldfastError(error)
    return [
      { name: 'backup manifest', stage, outcome: 'failed', message },
      { name: 'files', stage, outcome: 'not-run', message: 'there is no manifest to compare them with' },
      { name: 'WAL', stage, outcome: 'not-run', message: 'there is no manifest that says what is needed' },
    ]
  }
  return [
    {
      name: 'backup manifest',
      stage,
      outcome: 'passed',
      message: `lists ${backupManifest.files.size} files, and its own checksum matches`,
    },
    identityResult(backupManifest, manifest.facts.systemIdentifier),
    await filesResult(instance, backupManifest, signal),
    await walResult(instance, backupManifest, physicalFacts(manifest), signal),
  ]
}

function identityResult(backupManifest: BackupManifest, expected: string): CheckResult {
  const name = 'manifest of this system'
  const { systemIdentifier } = backupManifest
  if (systemIdentifier === undefined) {
    return { name, stage, outcome: 'not-run', message: 'PostgreSQL before 17 does not name the system in its manifest' }
  }
  if (systemIdentifier === expected) return { name, stage, outcome: 'passed', message: `system ${expected}` }
  return { name, stage, outcome: 'failed', message: `it is of the system ${systemIdentifier}, not of ${expected}` }
}

async function filesResult(instance: Instance, backupManifest: BackupManifest, signal: AbortSignal): Promise<CheckResult> {
  const name = 'files'
  try {
    const problems = await verifyFiles(backupManifest, { ...instance, originals: instanceFiles(instance).originals }, signal)
    const [first] = problems
    if (first === undefined) {
      return { name, stage, outcome: 'passed', message: `${backupManifest.files.size} files have the recorded size and checksum` }
    }
    return { name, stage, outcome: 'failed', message: `${problems.length} problems: ${problems.slice(0, 10).join('; ')}` }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof HoldfastError) || error.code !== 'ARTIFACT_DAMAGED') throw error
    return { name, stage, outcome: 'failed', message: error.message }
  }
}

/** Reads every record from start to stop, as recovery will. */
async function walResult(
  instance: Instance,
  { ranges }: BackupManifest,
  facts: PostgresFacts,
  signal: AbortSignal,
): Promise<CheckResult> {
  const name = 'WAL'
  const tablespaceAt = await newTablespaceIn(join(instance.dataDirectory, 'pg_wal'), facts, signal)
  if (tablespaceAt !== undefined) return { name, stage, outcome: 'failed', message: newTablespaceMessage(tablespaceAt) }
  const runAs = await ownerOf(instance)
  for (const { timeline, startLsn, stopLsn } of ranges) {
    const range = ['--timeline', String(timeline), '--start', startLsn, '--end', stopLsn]
    const args = ['--quiet', '--path', join(instance.dataDirectory, 'pg_wal'), ...range]
    try {
      await runProgram({ program: join(instance.binDirectory, 'pg_waldump'), args, cwd: '/', runAs }, { signal })
    } catch (error) {
      signal.throwIfAborted()
      const { code, message } = toHoldfastError(error)
      return { name, stage, outcome: code === 'TOOL_MISSING' ? 'not-run' : 'failed', message }
    }
  }
  const spans = ranges.map(({ timeline, startLsn, stopLsn }) => `${startLsn} to ${stopLsn} on timeline ${timeline}`)
  return { name, stage, outcome: 'passed', message: `complete from ${spans.join(', then ')}` }
}

/** Also behind the stop: a recovery without archived WAL may go on to the end of what came with the backup. */
async function newTablespaceIn(
  directory: string,
  { startLsn: fromLsn, segmentSizeBytes }: PostgresFacts,
  signal: AbortSignal,
): Promise<Lsn | undefined> {
  for (const name of (await readdir(directory).catch(() => [])).sort()) {
    signal.throwIfAborted()
    const position = tryParseSegmentName(name, segmentSizeBytes)
    if (position === undefined) continue
    await using segment = await open(join(directory, name))
    const startLsn = segmentStart(position.number, segmentSizeBytes)
    const found = await findNewTablespace(segment, { startLsn, segmentSizeBytes }, { fromLsn })
    if (found !== undefined) return found
  }
  return undefined
}
