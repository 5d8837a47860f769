import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { NativeConnection } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { searchAttributes } from '../../src/domain/search-attributes.js'
import { registerSearchAttributes } from '../../src/observability/search-attributes.js'
import { startTemporal, type TemporalServer } from '../servers/temporal.js'

let directory: string
let server: TemporalServer
let connection: Connection

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hf-attributes-'))
  server = await startTemporal({ directory })
  connection = await Connection.connect({ address: server.address })
})

afterAll(async () => {
  await connection?.close()
  await server?.stop()
  await rm(directory, { recursive: true })
})

test('a fresh namespace takes workflows with all of our attributes afterwards', async () => {
  const namespace = await freshNamespace('fresh')
  await registerSearchAttributes(connection, namespace)
  const client = new Client({ connection, namespace })
  const values = Object.fromEntries(Object.values(searchAttributes).map(({ name }) => [name, ['avi5']]))
  const handle = await client.workflow.start('neverRun', { workflowId: 'a', taskQueue: 'nobody', searchAttributes: values })
  expect((await handle.describe()).searchAttributes).toEqual(values)
})

test('registering again, and from several workers at once, changes nothing', async () => {
  const namespace = await freshNamespace('again')
  const native = await NativeConnection.connect({ address: server.address })
  try {
    await Promise.all([native, native, connection].map((each) => registerSearchAttributes(each, namespace)))
    await registerSearchAttributes(native, namespace)
  } finally {
    await native.close()
  }
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  expect(Object.keys(customAttributes ?? {}).filter((name) => name.startsWith('Holdfast'))).toHaveLength(4)
})

test('a name that is taken with another type is refused by name', async () => {
  const namespace = await freshNamespace('taken')
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { HoldfastBackup: 3 } })
  await expect(registerSearchAttributes(connection, namespace)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('HoldfastBackup'),
  })
})

test('a namespace that is not there is a failure of the control plane', async () => {
  await expect(registerSearchAttributes(connection, 'nowhere')).rejects.toMatchObject({
    code: 'CONTROL_PLANE',
    message: expect.stringContaining('nowhere'),
  })
})

/** The server needs a moment until all of its parts know a new namespace. */
async function freshNamespace(name: string): Promise<string> {
  await connection.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  for (let tries = 0; ; tries++) {
    try {
      await connection.operatorService.listSearchAttributes({ namespace: name })
      return name
    } catch (error) {
      if (tries === 100) throw error
      await sleep(100)
    }
  }
}
