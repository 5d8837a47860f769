import { appendFile, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HoldfastError, toHoldfastError } from '../domain/errors.js'
import { redactText } from '../domain/redact-text.js'
import { segmentNamePattern } from '../domain/wal.js'
import { ownerOf, writeOwned } from '../engines/postgres/owned-files.js'
import { makeWalDelivery, type WalDelivery } from '../engines/postgres/wal-delivery.js'
import { fetchLastWal } from './fetch-last-wal.js'
import { fetchWal, temporaryPrefix, type WalFetching, type WantedWal } from './fetch-wal.js'
import { findWal } from './find-wal.js'
import type { JobContext } from './job-context.js'
import type { PrefetchWalSpec } from './job-spec.js'
import { createWalWindow } from './wal-window.js'

/** Files fetched at a time: what they wait for is the store. */
const fetchesAtOnce = 4
/** A file that is waited for is noticed within this time. */
const pollMs = 50

/**
 * Delivers the WAL a recovery needs, ahead of it, until it is stopped. A segment that is asked for again is fetched again.
 * What no repository can mend is left where the restore_command finds it, so that the server ends instead of waiting; what may pass
 * (a store that is away) only ends this job: the server waits until it is started again. What replay must not come to is held back, and is
 * an end only where the server asks for it: its target may lie before.
 */
export async function runPrefetchWal(spec: PrefetchWalSpec, { composition, voice }: JobContext): Promise<never> {
  const instance = await composition.provisioner.find(spec.instance)
  if (instance === undefined) throw new HoldfastError('NOT_FOUND', `instance ${spec.instance} is not on this host`)
  const owner = await ownerOf(instance)
  const delivery = await makeWalDelivery(instance, owner)
  await clean(delivery)
  const failing = new AbortController()
  const signal = AbortSignal.any([voice.signal, failing.signal])
  const note = createNotes(delivery)
  const fetching: WalFetching = {
    composition,
    system: spec.system,
    delivery,
    owner,
    replay: spec.replay,
    signal,
    onProblem: note,
  }
  const underWay = new Map<string, Promise<void>>()
  const heldBack = new Map<string, HoldfastError>()
  try {
    const { segments, histories } = await findWal(spec, fetching)
    const order = segments.map(({ file }) => file)
    await writeOwned(delivery.expected, [...order, ...histories, ''].join('\n'), owner)
    const wantedOf = new Map(segments.map((wanted) => [wanted.file, wanted]))
    const begin = (wanted: WantedWal) => {
      const fetch = wanted.file === order.at(-1) ? fetchLastWal(wanted, spec, fetching) : fetchWal(wanted, fetching)
      const fetched = fetch.finally(() => underWay.delete(wanted.file))
      // The first failure ends the others.
      fetched.catch((error: unknown) => {
        if (error instanceof HoldfastError && error.code === 'OUTSIDE_WINDOW') heldBack.set(wanted.file, error)
        else failing.abort(error)
      })
      underWay.set(wanted.file, fetched)
    }
    const next = createWalWindow(order, spec.filesAhead)
    for (let filled = false; ; ) {
      signal.throwIfAborted()
      // Before the look: what arrives meanwhile is neither missing nor fetched twice.
      const begun = new Set(underWay.keys())
      const look = await lookAt(delivery)
      const refusal = heldBack.get(look.wanted)
      if (refusal !== undefined) throw refusal
      // Fetched as far as it will be.
      const moves = next({ ...look, ready: new Set([...look.ready, ...heldBack.keys()]), underWay: begun })
      for (const file of moves.remove) await rm(join(delivery.ready, file), { force: true })
      for (const file of moves.fetch.slice(0, fetchesAtOnce - underWay.size)) {
        const wanted = wantedOf.get(file)
        if (wanted !== undefined) begin(wanted)
      }
      if (moves.filled && !filled) {
        await writeOwned(delivery.filled, '', owner)
        filled = true
      }
      voice.progress(progressOf(moves.given, order, spec.segmentSizeBytes))
      await Promise.race([delay(pollMs), ...underWay.values()]).catch(() => undefined)
    }
  } catch (error) {
    const reason = voice.signal.aborted ? voice.signal.reason : failing.signal.aborted ? failing.signal.reason : error
    failing.abort(reason)
    await Promise.allSettled(underWay.values())
    const { code, message, hint, retryable } = toHoldfastError(reason)
    const text = JSON.stringify({ code, message: redactText(message), hint })
    if (!voice.signal.aborted && !retryable) await writeOwned(delivery.failed, `${text}\n`, owner)
    throw reason
  }
}

function progressOf(given: number, order: readonly string[], segmentSizeBytes: number) {
  const item = order[given]
  const counts = { doneBytes: given * segmentSizeBytes, totalBytes: order.length * segmentSizeBytes }
  return { step: 'WAL', ...counts, ...(item === undefined ? {} : { item }) }
}

/** What an earlier job left: files it had begun, and why it ended. */
async function clean(delivery: WalDelivery): Promise<void> {
  for (const name of await readdir(delivery.directory)) {
    if (name.startsWith(temporaryPrefix)) await rm(join(delivery.directory, name), { force: true })
  }
  await rm(delivery.failed, { force: true })
}

async function lookAt(delivery: WalDelivery) {
  // In this order: a file that is handed over in between is then no longer there, and not asked for again.
  const wanted = await wordIn(delivery.wanted)
  const handed = await wordIn(delivery.handed)
  const ready = (await readdir(delivery.ready)).filter((name) => segmentNamePattern.test(name))
  return { wanted, handed, ready: new Set(ready) }
}

async function wordIn(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}

/** Copies that were not used, for the report. Each is told once. */
function createNotes(delivery: WalDelivery): (problem: HoldfastError) => void {
  const notes = new Set<string>()
  return ({ message }) => {
    if (notes.has(message)) return
    notes.add(message)
    void appendFile(delivery.notes, `${JSON.stringify(message)}\n`, { mode: 0o600 }).catch(() => undefined)
  }
}
