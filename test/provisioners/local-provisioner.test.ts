import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseBackupId, parseInstanceName, parseSystemName } from '../../src/domain/ids.js'
import type { Instance } from '../../src/domain/instance.js'
import { processesIn } from '../../src/process/processes-in.js'
import { runProgram } from '../../src/process/run-program.js'
import { createLocalProvisioner } from '../../src/provisioners/local-provisioner.js'
import type { InstanceSpec, Provisioner } from '../../src/provisioners/provisioner.js'
import { processState } from '../process/process-state.js'
import { freePort } from '../servers/free-port.js'
import { postgresPrograms, serverUser } from '../servers/postgres.js'

const name = parseInstanceName('clone')
const signal = new AbortController().signal
const owner = { workflowId: 'restore/clone', runId: 'run-1' }
const other = { workflowId: 'restore/clone', runId: 'run-2' }

let directory = ''
let from = 0
let provisioner: Provisioner

beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), 'prov-'))
  await runProgram({ program: 'chmod', args: ['0755', root] }, {})
  directory = join(root, 'instances')
  from = await freePort(21)
  provisioner = provisionerFor({ from, to: from + 20 })
})

afterEach(async () => {
  for (const instance of await provisioner.list()) await provisioner.dispose(instance.name, signal)
  await rm(join(directory, '..'), { recursive: true, force: true })
})

function provisionerFor(ports: { from: number; to: number }, place = directory): Provisioner {
  return createLocalProvisioner({
    directory: place,
    user: 'postgres',
    ports,
    host: 'db1',
    now: () => new Date('2026-01-10T03:00:00Z'),
  })
}

function spec(changes: Partial<InstanceSpec> = {}): InstanceSpec {
  return {
    name,
    system: parseSystemName('avi5'),
    backup: parseBackupId('avi5_full_2026-01-10T03-00-00Z'),
    owner,
    tablespaceOids: ['16401'],
    binDirectory: postgresPrograms(15),
    ...changes,
  }
}

describe('create', () => {
  test('a directory the server’s user cannot enter is named before anything is restored into it', async () => {
    await runProgram({ program: 'chmod', args: ['0700', join(directory, '..')] }, {})
    const creating = provisioner.create(spec())
    // Without root, servers run as ourselves, who can enter.
    if (process.getuid?.() !== 0) await expect(creating).resolves.toMatchObject({ state: 'PROVISIONING' })
    else {
      await expect(creating).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(join(directory, '..')),
      })
      expect(await readdir(directory)).toEqual([])
    }
  })

  test('makes directories for the server’s user alone and says where they are', async () => {
    const instance = await provisioner.create(spec())
    const user = await serverUser()
    for (const path of [
      instance.directory,
      instance.dataDirectory,
      instance.socketDirectory,
      instance.tablespaces['16401'] ?? '',
    ]) {
      const { uid, mode } = await stat(path)
      expect([path, uid, mode & 0o777]).toEqual([path, user.uid, 0o700])
    }
    expect(instance).toMatchObject({ state: 'PROVISIONING', host: 'db1', user: user.name, createdAt: '2026-01-10T03:00:00.000Z' })
    expect(await provisioner.find(name)).toEqual(instance)
    expect(await provisioner.list()).toEqual([instance])
  })

  test('gives the same owner the same instance again', async () => {
    expect(await provisioner.create(spec())).toEqual(await provisioner.create(spec()))
  })

  test('refuses a name that another run owns', async () => {
    await provisioner.create(spec())
    await expect(provisioner.create(spec({ owner: other }))).rejects.toMatchObject({ code: 'INSTANCE_EXISTS' })
  })

  test('lets one of many owners win, and leaves nothing of the others', async () => {
    const owners = Array.from({ length: 8 }, (_, index) => ({ workflowId: 'restore/clone', runId: `run-${index}` }))
    const results = await Promise.allSettled(owners.map((each) => provisioner.create(spec({ owner: each }))))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'INSTANCE_EXISTS' })
    expect((await readdir(directory)).sort()).toEqual(['.ports', 'clone'])
    expect(await readdir(join(directory, '.ports'))).toHaveLength(1)
  })

  test('never gives two instances the same port, even at once', async () => {
    const names = Array.from({ length: 8 }, (_, index) => parseInstanceName(`clone-${index}`))
    const instances = await Promise.all(names.map((each) => provisioner.create(spec({ name: each }))))
    expect(new Set(instances.map(({ port }) => port)).size).toBe(8)
  })

  test('passes over a port somebody listens on', async () => {
    const server = createServer().listen(from, '127.0.0.1')
    try {
      expect((await provisioner.create(spec())).port).toBeGreaterThan(from)
    } finally {
      server.close()
    }
  })

  test('says so when the range of ports is used up', async () => {
    const narrow = provisionerFor({ from, to: from })
    await narrow.create(spec())
    await expect(narrow.create(spec({ name: parseInstanceName('second') }))).rejects.toMatchObject({
      code: 'LOCAL_IO',
      message: expect.stringContaining('second'),
    })
  })

  test('refuses a directory whose socket would have too long a name', async () => {
    const deep = provisionerFor({ from, to: from + 5 }, join(directory, 'd'.repeat(90)))
    await expect(deep.create(spec())).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('instance.json', () => {
  test('follows the state', async () => {
    await provisioner.create(spec())
    const running = await provisioner.setState(name, 'RUNNING', { timeline: 2 })
    expect(running).toMatchObject({ state: 'RUNNING', timeline: 2 })
    expect(await provisioner.find(name)).toEqual(running)
  })

  test('is an error when it is damaged, and not an absent instance', async () => {
    const { directory: place } = await provisioner.create(spec())
    await writeFile(join(place, 'instance.json'), '{"version": 1')
    await expect(provisioner.find(name)).rejects.toMatchObject({ code: 'LOCAL_IO', message: expect.stringContaining(place) })
    await rm(place, { recursive: true })
  })

  test('has to be there for a change of state', async () => {
    await expect(provisioner.setState(name, 'RUNNING')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a server', () => {
  async function createCluster(): Promise<Instance> {
    const instance = await provisioner.create(spec())
    const program = join(instance.binDirectory, 'initdb')
    const runAs = await serverUser()
    await runProgram({ program, args: ['-D', instance.dataDirectory, '--no-sync', '-A', 'trust'], cwd: '/', runAs }, {})
    const settings = `port = ${instance.port}\nunix_socket_directories = '${instance.socketDirectory}'\nlisten_addresses = ''\n`
    await writeFile(join(instance.dataDirectory, 'postgresql.conf'), settings)
    return instance
  }

  test('is started, found running, and stopped; each can be repeated', async () => {
    const instance = await createCluster()
    expect(await provisioner.isRunning(instance)).toBe(false)
    await provisioner.start(instance, signal)
    await provisioner.start(instance, signal)
    expect(await provisioner.isRunning(instance)).toBe(true)
    await provisioner.stop(instance, signal)
    await provisioner.stop(instance, signal)
    expect(await provisioner.isRunning(instance)).toBe(false)
  })

  test('is started again the moment it was killed', async () => {
    const instance = await createCluster()
    await provisioner.start(instance, signal)
    process.kill(Number.parseInt(await readFile(join(instance.dataDirectory, 'postmaster.pid'), 'utf8'), 10), 'SIGKILL')
    while (await provisioner.isRunning(instance));
    await provisioner.start(instance, signal)
    expect(await provisioner.isRunning(instance)).toBe(true)
  })

  /** Starts it, and kills it while one of its processes does not look. @returns the id of that one */
  async function killBut(instance: Instance): Promise<number> {
    await provisioner.start(instance, signal)
    const server = Number.parseInt(await readFile(join(instance.dataDirectory, 'postmaster.pid'), 'utf8'), 10)
    const [busy = -1] = processesIn(instance.dataDirectory, await serverUser()).filter((pid) => pid !== server)
    process.kill(busy, 'SIGSTOP')
    process.kill(server, 'SIGKILL')
    while (await provisioner.isRunning(instance));
    return busy
  }

  test('that was killed is started again when the last of its processes has ended, which is left to do so', async () => {
    const instance = await createCluster()
    const busy = await killBut(instance)
    const starting = provisioner.start(instance, signal)
    expect(await Promise.race([starting.then(() => 'started'), delay(3_000, 'waits')])).toBe('waits')
    expect(processesIn(instance.dataDirectory, await serverUser())).toContain(busy)
    process.kill(busy, 'SIGCONT')
    await starting
    expect(await provisioner.isRunning(instance)).toBe(true)
  })

  test('that was killed leaves no process behind when it is disposed of', async () => {
    const instance = await createCluster()
    const busy = await killBut(instance)
    await provisioner.dispose(name, signal, owner)
    expect(processState(busy)).toBeUndefined()
    expect(await readdir(directory)).toEqual(['.ports'])
  })

  test('that does not start fails at once with its log', async () => {
    const instance = await createCluster()
    await writeFile(join(instance.dataDirectory, 'postgresql.conf'), "port = 'nonsense'\n")
    await expect(provisioner.start(instance, signal)).rejects.toMatchObject({
      code: 'RECOVERY_FAILED',
      message: expect.stringContaining('nonsense'),
    })
  })

  test('is stopped and removed by dispose, its port given back', async () => {
    const instance = await createCluster()
    await provisioner.start(instance, signal)
    await provisioner.dispose(name, signal, owner)
    expect(await provisioner.isRunning(instance)).toBe(false)
    expect(await readdir(directory)).toEqual(['.ports'])
    expect(await readdir(join(directory, '.ports'))).toEqual([])
    await provisioner.dispose(name, signal, owner)
  })
})

describe('dispose', () => {
  test('refuses what another run owns', async () => {
    await provisioner.create(spec())
    await expect(provisioner.dispose(name, signal, other)).rejects.toMatchObject({ code: 'INSTANCE_EXISTS' })
    expect(await provisioner.find(name)).toBeDefined()
  })

  test('removes what a creation that broke off left behind', async () => {
    await provisioner.create(spec())
    await provisioner.dispose(name, signal)
    expect(await provisioner.hasRemains(name)).toBe(false)
    await mkdir(join(directory, '.creating-clone.0123456789ab', 'data'), { recursive: true })
    expect(await provisioner.hasRemains(name)).toBe(true)
    await provisioner.dispose(name, signal)
    expect(await provisioner.hasRemains(name)).toBe(false)
    expect(await readdir(directory)).toEqual(['.ports'])
  })
})

test('free bytes are known before the directory exists', async () => {
  expect(await provisioner.freeBytes()).toBeGreaterThan(0)
})
