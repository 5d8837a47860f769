import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from './free-port.js'
import { startTemporal, type TemporalServer } from './temporal.js'

let directory: string
let server: TemporalServer

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'temporal-'))
  server = await startTemporal({ directory })
})

afterAll(() => server.stop())

test('a server that was killed comes back on its port with its workflows', async () => {
  await withClient(server.address, (client) =>
    client.workflow.start('neverRun', {
      workflowId: 'backup/avi5/full',
      taskQueue: 'nobody',
      searchAttributes: { HoldfastSystem: ['avi5'] },
    }),
  )
  const { address, pid } = server
  await server.kill()
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')

  server = await startTemporal({ directory, port: Number(address.split(':')[1]) })
  expect(server.address).toBe(address)
  const description = await withClient(address, (client) => client.workflow.getHandle('backup/avi5/full').describe())
  expect(description.status.name).toBe('RUNNING')
  expect(description.searchAttributes).toEqual({ HoldfastSystem: ['avi5'] })
})

test('the web UI answers when it is asked for', async () => {
  const uiPort = await freePort()
  const withUi = await startTemporal({ directory: join(directory, 'ui'), uiPort })
  try {
    expect(withUi.uiAddress).toBe(`127.0.0.1:${uiPort}`)
    expect((await fetch(`http://${withUi.uiAddress}/`)).status).toBe(200)
  } finally {
    await withUi.stop()
  }
})

test('a port that is taken is refused, instead of mistaking the server there for ours', async () => {
  const taken = Number(server.address.split(':')[1])
  await expect(startTemporal({ directory: join(directory, 'other'), port: taken })).rejects.toThrow(`port ${taken} is taken`)
})

test('a server that does not come up leads to its log', async () => {
  const broken = join(directory, 'broken')
  await mkdir(join(broken, 'temporal.db'), { recursive: true })
  await expect(startTemporal({ directory: broken })).rejects.toThrow(/did not come up; see .*broken\/temporal\.log/)
  expect(await readFile(join(broken, 'temporal.log'), 'utf8')).toContain('unable to open database file')
})

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address })
  try {
    return await use(new Client({ connection }))
  } finally {
    await connection.close()
  }
}
