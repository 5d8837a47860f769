import pg from 'pg'
import type { Instance } from '../../src/domain/instance.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { CheckResult } from '../../src/domain/operations.js'
import type { Engine } from '../../src/engines/engine.js'
import type { ArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, manifestOf, type RestorePlace } from './postgres-fixture.js'

const { signal } = new AbortController()

export async function captureLogical(engine: Engine, folder: ArtifactFolder): Promise<Manifest> {
  return manifestOf(await engine.capture({ kind: 'logical', label: 'avi5 nightly' }, folder.sink, signal), 'logical')
}

/** A server made from a logical backup, running. */
export interface RestoredServer {
  readonly instance: Instance
  readonly place: RestorePlace
  readonly before: readonly CheckResult[]
  readonly running: readonly CheckResult[]
  sql<Row extends pg.QueryResultRow>(query: string, database?: string): Promise<Row[]>
  remove(): Promise<void>
}

interface LogicalRestore {
  readonly engine: Engine
  readonly folder: ArtifactFolder
  readonly manifest: Manifest
  readonly only?: readonly string[]
  readonly serverVersion?: string
}

/** Prepares, starts and checks as the workflow does. */
export async function restoreLogical({ engine, folder, manifest, only, serverVersion }: LogicalRestore): Promise<RestoredServer> {
  const place = await createRestorePlace()
  try {
    const instance = await place.create(manifest, engine, serverVersion)
    const request = { instance, manifest, reader: folder.reader, ...(only === undefined ? {} : { only }) }
    await engine.checkSelection(request)
    await engine.prepare({ ...request, progress: () => {} }, signal)
    const before = await engine.check({ ...request, stage: 'beforeStart' }, signal)
    await place.provisioner.start(instance, signal)
    await engine.recover({ instance, manifest, progress: () => {} }, signal)
    const running = await engine.check({ ...request, stage: 'running' }, signal)
    const sql = <Row extends pg.QueryResultRow>(query: string, database?: string) => ask<Row>(instance, query, database)
    return { instance, place, before, running, sql, remove: () => place.remove() }
  } catch (error) {
    await place.remove()
    throw error
  }
}

async function ask<Row extends pg.QueryResultRow>(instance: Instance, query: string, database = 'postgres'): Promise<Row[]> {
  const client = new pg.Client({ host: instance.socketDirectory, port: instance.port, user: 'postgres', database })
  await client.connect()
  try {
    return (await client.query<Row>(query)).rows
  } finally {
    await client.end()
  }
}
