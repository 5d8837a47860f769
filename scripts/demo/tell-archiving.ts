import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { formatDuration } from '../../src/domain/quantity.js'
import { storedMarks, worstLossMs } from './archived-marks.js'
import type { Demo } from './demo.js'
import { runHoldfast } from './holdfast.js'
import { objectiveMs, system } from './write-configuration.js'

const loadSeconds = 25

/**
 * How much would be lost at the worst moment: of a server that is only read (the first look at rows writes hint bits, so WAL), and of one at work.
 * @param quietSince milliseconds: from then on nothing is killed
 */
export async function tellArchiving(demo: Demo, quietSince: number): Promise<void> {
  const { story, places, source, signal } = demo
  story.chapter('WAL is archived all the while: how much would be lost?')
  await runHoldfast(story, places, 'wal', 'status', system)
  // What the first mark behind it brings may have waited for the killed and the busy.
  const first = (await storedMarks(places)).find(({ storedAtMs }) => storedAtMs > quietSince)
  await tellLoss(demo, 'of a server that is only read', first?.storedAtMs ?? quietSince)
  await source.sql('create database bench')
  const at = ['-h', source.host, '-p', String(source.port), '-U', source.user]
  const options = { env: { PGPASSWORD: source.password }, cancelSignal: signal, stdin: 'ignore' } as const
  const pgbench = join(source.binDirectory, 'pgbench')
  await execa(pgbench, [...at, '--initialize', '--quiet', '--scale=2', 'bench'], options)
  story.command(`pgbench --client=4 --time=${loadSeconds} bench`)
  const startedAt = Date.now()
  const { stdout } = await execa(pgbench, [...at, '--client=4', `--time=${loadSeconds}`, '--no-vacuum', 'bench'], options)
  for (const line of stdout.split('\n').filter((each) => /^(number of transactions actually|tps)/.test(each))) story.output(line)
  await tellLoss(demo, 'under pgbench', startedAt)
}

/** Waits until a mark proves that the server's WAL is in the bucket up to a moment by its clock. */
export async function provenUntil({ places, signal }: Demo, atMs: number): Promise<void> {
  while (!(await storedMarks(places)).some((mark) => mark.atMs >= atMs)) await sleep(200, undefined, { signal })
}

async function tellLoss({ story, places }: Demo, when: string, fromMs: number): Promise<void> {
  const lossMs = worstLossMs(await storedMarks(places), fromMs, Date.now())
  const objective = `the objective is ${formatDuration(objectiveMs)}`
  if (lossMs !== undefined && lossMs <= objectiveMs)
    story.proof(`actual RPO ${when}: ${formatDuration(lossMs)} at the worst moment; ${objective}`)
  else
    story.objection(`actual RPO ${when}: ${lossMs === undefined ? 'nothing is archived' : formatDuration(lossMs)}; ${objective}`)
}
