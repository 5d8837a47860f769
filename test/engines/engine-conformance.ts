import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Instance } from '../../src/domain/instance.js'
import type { Manifest } from '../../src/domain/manifest.js'
import type { CheckResult } from '../../src/domain/operations.js'
import { physicalFacts } from '../../src/domain/physical-facts.js'
import type { Progress } from '../../src/domain/progress.js'
import type { Engine } from '../../src/engines/engine.js'
import { type ArtifactFolder, createArtifactFolder } from './artifact-folder.js'
import { createRestorePlace, manifestOf, type RestorePlace } from './postgres-fixture.js'

/** A source with data in it, and a way to look at the data on any server. */
export interface ConformanceSource {
  readonly engine: Engine
  readonly expectedNotes: readonly string[]
  /** What a restored server must answer the same as the source did when it was captured. */
  contents(connection: { host: string; port: number } | 'source'): Promise<unknown>
  dispose(): Promise<void>
}

/** What every engine must do: capture a source that is at work, restore it into a new instance, and know whether it is the same. */
export function describeEngineConformance(name: string, make: () => Promise<ConformanceSource>): void {
  describe(name, () => {
    const { signal } = new AbortController()
    let source: ConformanceSource
    let folder: ArtifactFolder
    let place: RestorePlace
    let manifest: Manifest
    let instance: Instance
    let before: CheckResult[]
    let running: CheckResult[]
    let expected: unknown
    const extracted: Progress[] = []

    beforeAll(async () => {
      source = await make()
      folder = await createArtifactFolder()
      place = await createRestorePlace()
      expected = await source.contents('source')
      manifest = manifestOf(await source.engine.capture({ kind: 'full', label: 'avi5 nightly' }, folder.sink, signal))
      instance = await place.create(manifest, source.engine)
      const request = { instance, manifest, reader: folder.reader }
      // Twice: an attempt that was broken off is repeated over what it left.
      await source.engine.prepare({ ...request, progress: () => {} }, signal)
      await source.engine.prepare({ ...request, progress: (each) => void extracted.push(each) }, signal)
      before = await source.engine.check({ ...request, stage: 'beforeStart' }, signal)
      await place.provisioner.start(instance, signal)
      const recovered = await source.engine.recover({ instance, manifest, progress: () => {} }, signal)
      expect(recovered).toEqual({ outcome: 'recovered', timeline: physicalFacts(manifest).timeline + 1 })
      running = await source.engine.check({ ...request, stage: 'running' }, signal)
    })

    afterAll(async () => {
      await place?.remove()
      await folder?.remove()
      await source?.dispose()
    })

    const notPassed = (results: readonly CheckResult[]) => results.filter(({ outcome }) => outcome !== 'passed')

    test('probes the source and finds nothing that would fail', async () => {
      const probe = await source.engine.probe('full', signal)
      expect(probe.identity).toBe(manifest.facts.systemIdentifier)
      expect(probe.findings.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      expect(probe.estimatedBytes).toBeGreaterThan(1024 * 1024)
    })

    test('captures every part, under names that are unique', () => {
      const names = manifest.artifacts.map((artifact) => artifact.name)
      expect(new Set(names).size).toBe(names.length)
      expect(manifest.artifacts.every(({ sizeBytes }) => sizeBytes > 0)).toBe(true)
      expect(manifest.notes).toEqual(source.expectedNotes)
    })

    test('leaves nothing in the scratch directory but the empty directory it made', async () => {
      expect(await folder.scratchFiles()).toEqual(['staging'])
    })

    test('reports progress that only grows while it extracts', () => {
      const amounts = extracted.map(({ doneBytes }) => doneBytes)
      expect(amounts.length).toBeGreaterThan(0)
      expect(amounts).toEqual(amounts.toSorted((a, b) => a - b))
    })

    test('checks the restored files before they are used', () => {
      expect(before.length).toBeGreaterThan(2)
      expect(notPassed(before).filter(({ outcome }) => outcome === 'failed')).toEqual([])
    })

    test('finds the running copy equal to the original', () => {
      expect(running.filter(({ outcome }) => outcome === 'failed')).toEqual([])
      expect(notPassed(running).map(({ name: check }) => check)).toEqual(['page checksums'])
    })

    test('restores the same contents', async () => {
      expect(await source.contents({ host: instance.socketDirectory, port: instance.port })).toEqual(expected)
    })

    test('checks what needs a stopped server after it was stopped, and says so while it runs', async () => {
      const request = { instance, manifest, reader: folder.reader, stage: 'afterStop' } as const
      expect(await source.engine.check(request, signal)).toMatchObject([{ outcome: 'not-run' }])
      await place.provisioner.stop(instance, signal)
      expect(await source.engine.check(request, signal)).toMatchObject([{ outcome: 'passed' }])
    })
  })
}
