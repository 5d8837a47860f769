import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchCommand, makeWalDelivery, type WalDelivery } from '../../src/engines/postgres/wal-delivery.js'
import { startProgram } from '../../src/process/start-program.js'
import { currentUser } from '../../src/process/users.js'
import { until } from '../wal/archive-bench.js'

/*
 * PostgreSQL takes status 1 for "the archive ends here" and goes on without the file; above 125 it gives up. So 1 is for what is
 * known not to be there, and for nothing else.
 */

const segment = '000000010000000000000003'

describe('the restore_command', () => {
  let [directory, data]: string[] = []
  let delivery: WalDelivery
  let running: AbortController

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "it's 100% here "))
    data = join(directory, 'data')
    await mkdir(join(data, 'pg_wal'), { recursive: true })
    // Of a server that lives.
    await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n`)
    delivery = await makeWalDelivery({ directory } as never, currentUser())
    running = new AbortController()
  })

  afterEach(async () => {
    running.abort()
    await rm(directory ?? '', { recursive: true, force: true })
  })

  const target = () => join(data ?? '', 'pg_wal', 'RECOVERYXLOG')
  const expected = (...names: string[]) => writeFile(delivery.expected, `${[...names, ''].join('\n')}`)
  const isThere = (path: string) => stat(path).then(Boolean, () => false)

  /** As PostgreSQL calls it: `%f` and `%p` replaced, by a shell, in its data directory. */
  function ask(file: string, path = 'pg_wal/RECOVERYXLOG') {
    const command = fetchCommand(delivery).replace(/%([%fp])/g, (_, what) => ({ f: file, p: path })[what as 'f' | 'p'] ?? '%')
    const program = startProgram(
      { program: 'sh', args: ['-c', command], cwd: data ?? '' },
      { signal: running.signal, stdin: 'ignore', stdout: 'ignore' },
    )
    const status = program.finished.then(
      () => 0,
      (error: { readonly details?: Readonly<Record<string, unknown>> }) => error.details?.exitCode ?? String(error),
    )
    return { status, said: () => program.stderrTail() }
  }

  async function expectWaiting({ status }: ReturnType<typeof ask>): Promise<void> {
    const answer = await Promise.race([status, new Promise((pass) => setTimeout(pass, 300, 'waits'))])
    expect(answer).toBe('waits')
  }

  test('hands a segment over once, and tells which', async () => {
    await writeFile(join(delivery.ready, segment), 'wal')
    expect(await ask(segment).status).toBe(0)
    expect(await readFile(target(), 'utf8')).toBe('wal')
    expect(await isThere(join(delivery.ready, segment))).toBe(false)
    expect(await readFile(delivery.handed, 'utf8')).toBe(`${segment}\n`)
  })

  test('copies a history, which is asked for again and again', async () => {
    await writeFile(join(delivery.ready, '00000002.history'), 'history')
    for (let time = 0; time < 2; time += 1) expect(await ask('00000002.history', 'pg_wal/RECOVERYHISTORY').status).toBe(0)
    expect(await readFile(join(data ?? '', 'pg_wal', 'RECOVERYHISTORY'), 'utf8')).toBe('history')
  })

  test('answers 1 for what is known not to be there', async () => {
    await expected(segment)
    expect(await ask('000000010000000000000004').status).toBe(1)
    expect(await ask('00000003.history').status).toBe(1)
    // No name is a pattern, and none is part of another.
    expect(await ask('00000001000000000000000.').status).toBe(1)
    expect(await ask(segment.slice(0, 10)).status).toBe(1)
  })

  test('waits for a file that is known to be there, says which, and takes it when it comes', async () => {
    await expected(segment)
    const asking = ask(segment)
    await until('the name of what is waited for', async () =>
      (await readFile(delivery.wanted, 'utf8').catch(() => '')) === `${segment}\n` ? true : undefined,
    )
    await expectWaiting(asking)
    await writeFile(join(delivery.ready, segment), 'wal')
    expect(await asking.status).toBe(0)
    expect(await readFile(delivery.wanted, 'utf8')).toBe('')
  })

  test('does not say that a file is missing before it is known what there is', async () => {
    const asking = ask(segment)
    await expectWaiting(asking)
    await expected('00000002.history')
    expect(await asking.status).toBe(1)
  })

  test('gives up with the reason, above 125, when no more comes', async () => {
    await expected(segment)
    const asking = ask(segment)
    await expectWaiting(asking)
    await writeFile(delivery.failed, '{"code":"WAL_GAP"}\n')
    expect(await asking.status).toBeGreaterThan(125)
    expect(asking.said()).toContain('WAL_GAP')
  })

  test('gives up above 125 where the file cannot be put, and keeps it', async () => {
    await writeFile(join(delivery.ready, segment), 'wal')
    expect(await ask(segment, 'no-such-directory/RECOVERYXLOG').status).toBeGreaterThan(125)
    expect(await isThere(join(delivery.ready, segment))).toBe(true)
  })

  test('gives up above 125 where it cannot be read what there is', async () => {
    await mkdir(delivery.expected)
    expect(await ask(segment).status).toBeGreaterThan(125)
  })

  test('does not outlive its server', async () => {
    await expected(segment)
    const asking = ask(segment)
    await expectWaiting(asking)
    await writeFile(join(data ?? '', 'postmaster.pid'), '4194304\n')
    expect(await asking.status).toBeGreaterThan(125)
  })
})
