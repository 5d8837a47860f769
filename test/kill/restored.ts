import pg from 'pg'
import { expect } from 'vitest'
import { mainTaskQueue, restoreWorkflowId, workflowNames } from '../../src/domain/contract-names.js'
import { parseInstanceName, parseRepositoryName } from '../../src/domain/ids.js'
import type { BackupReport, RestoreReport, RestoreRequest } from '../../src/domain/operations.js'
import { ballastDigest } from './ballast.js'
import type { KillStand } from './kill-stand.js'

/** Restores a backup from S3 into a new instance, compares its rows with the source's, and removes the instance. */
export async function expectRestores(stand: KillStand, { backup, system }: BackupReport): Promise<void> {
  const instance = parseInstanceName(`check-${system}`)
  const request: RestoreRequest = {
    system,
    instance,
    target: { kind: 'backup', backup },
    repository: parseRepositoryName('primary'),
    onFailure: 'remove',
    requestedBy: 'kill test',
    reason: 'to see that it restores',
  }
  const report = (await stand.client.workflow.execute(workflowNames.restoreToNewInstance, {
    taskQueue: mainTaskQueue,
    workflowId: restoreWorkflowId(instance),
    args: [request],
  })) as RestoreReport
  try {
    const [original] = await stand.postgres.sql<{ digest: string }>(ballastDigest)
    expect(await digestIn(stand, report), `rows of ${backup}`).toBe(original?.digest)
  } finally {
    await stand.composition.provisioner.dispose(instance, AbortSignal.timeout(60_000))
  }
}

async function digestIn(stand: KillStand, { connection }: RestoreReport): Promise<string | undefined> {
  const { host, port } = connection
  const { user, password } = stand.postgres
  const client = new pg.Client({ host, port, user, password, database: 'postgres' })
  await client.connect()
  try {
    return (await client.query<{ digest: string }>(ballastDigest)).rows[0]?.digest
  } finally {
    await client.end()
  }
}
