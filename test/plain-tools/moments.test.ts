import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../servers/free-port.js'
import { trials } from '../stand/trials.js'
import { type MomentBench, removePartials, segmentsOf, startMomentBench, type WrittenMoment } from './moment-bench.js'
import { placeForServers } from './plain-bench.js'

// Much longer than anything takes on an idle machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const isLong = process.env.HOLDFAST_TEST_LONG === '1'
const [trial] = trials()
const random = trial?.random ?? Math.random

describe.each([
  { major: 15, walSegmentSizeMb: 16, from: ['bucket', 'directory'] },
  { major: 18, walSegmentSizeMb: 1, encryption: 'off', from: ['directory', 'bucket'] },
] as const)(
  'with public tools alone, PostgreSQL $major, segments of $walSegmentSizeMb MB, encryption: $encryption',
  (settings) => {
    let bench: MomentBench
    let place: string

    beforeAll(async () => {
      bench = await startMomentBench(settings)
      place = await placeForServers()
    })

    afterAll(async () => {
      await bench?.close()
      if (place === undefined) return
      expect(await readdir(place)).toEqual([])
      await rm(dirname(place), { recursive: true })
    })

    const sources = {
      bucket: () => bench.bucket,
      directory: () => ['--from', bench.directory],
    }

    async function restore(when: string, from: readonly string[]) {
      const own = ['--target', join(place, 'rescue'), '--port', String(await freePort())]
      return bench.machine.restore(when, ...from, ...bench.key, ...bench.programs, ...own)
    }

    async function expectMoment(when: string, from: readonly string[], rows: number): Promise<void> {
      const restored = await restore(when, from)
      await bench.expectRows(join(place, 'rescue'), restored, rows)
    }

    test(`every row before a time in the middle of commits is there, and none after it (seed ${trial?.seed})`, async () => {
      const { at, rows } = oneOf(bench.beforePromotion)
      await expectMoment(at, sources[settings.from[0]](), rows)
    })

    test('a time behind the promotion of a standby is on the new timeline', async () => {
      const { at, rows } = oneOf(bench.afterPromotion.slice(0, -1))
      await expectMoment(at, sources[settings.from[1]](), rows)
    })

    if (settings.major === 18) {
      test('killed hard in the middle it leaves what the documentation says, and begins again', async () => {
        const from = await bench.copyOfRepository()
        const target = join(place, 'rescue')
        const own = ['--target', target, '--port', String(await freePort())]
        const running = bench.machine.start('latest', '--from', from, ...bench.key, ...bench.programs, ...own)
        for await (const line of running.iterable({ from: 'stderr' })) if (line.includes('verified: ')) running.kill('SIGKILL')
        expect((await running).signal).toBe('SIGKILL')
        const refused = await restore('latest', ['--from', from])
        expect(refused).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('is there already, and not empty') })
        for (const left of await readdir(place)) await rm(join(place, left), { recursive: true })
        await expectMoment('latest', ['--from', from], bench.afterPromotion.at(-1)?.rows ?? 0)
      })
    }

    // What follows is the same script at work; in a short run it is tried with one of the two settings.
    if (settings.major === 18 && !isLong) return

    test('the newest there is ends within the segment that was not complete, also when that is superseded meanwhile', async () => {
      const from = await bench.copyOfRepository()
      const own = ['--target', join(place, 'rescue'), '--port', String(await freePort())]
      const running = bench.machine.start('latest', '--from', from, ...bench.key, ...bench.programs, ...own)
      for await (const line of running.iterable({ from: 'stderr' })) if (line.startsWith('checking')) await removePartials(from)
      const { exitCode, stdout, stderr } = await running
      await bench.expectRows(join(place, 'rescue'), { exitCode, stdout, stderr }, bench.afterPromotion.at(-1)?.rows ?? 0)
    })

    test('a time after the last commit that is proven to be archived is the end of what is archived', async () => {
      await expectMoment(bench.idleAt, sources[settings.from[1]](), bench.afterPromotion.at(-1)?.rows ?? 0)
    })

    if (settings.major === 15) {
      test('the steps by hand of the page of the format lead to a time in the middle of commits', async () => {
        await bench.expectRowsByHand(oneOf(bench.beforePromotion))
      })
    }

    test('a time that nothing proves is refused with the newest that is proven, and without starting anything', async () => {
      const later = new Date(Date.parse(bench.idleAt) + 3_600_000).toISOString()
      const { exitCode, stderr } = await restore(later, sources.directory())
      expect({ exitCode, stderr }).toEqual({
        exitCode: 4,
        stderr: expect.stringContaining('nothing proves that the archive goes as far'),
      })
      expect(stderr).toMatch(/it proves 20\d\d-\d\d-\d\dT/)
    })

    if (settings.major === 15) {
      test('WAL that somebody put there without a key is passed over where there is one', async () => {
        const from = await bench.copyOfRepository()
        for (const segment of await segmentsOf(from)) {
          // The same name, and another content under it.
          await writeFile(segment.replace(/\.enc$/, ''), 'nobody vouches for this')
          await writeFile(segment.replace(/-[0-9a-f]{16}((?:\.partial)?\.zst)\.enc$/, '-0123456789abcdef$1'), 'nor for this')
        }
        const { at, rows } = oneOf(bench.beforePromotion)
        await expectMoment(at, ['--from', from], rows)
      })
    }

    test('a segment that is missing is named before anything of the backup is fetched', async () => {
      const from = await bench.copyOfRepository()
      const segments = await segmentsOf(from)
      const gone = segments.at(-1) ?? ''
      await rm(gone)
      const { exitCode, stderr } = await restore(bench.idleAt, ['--from', from])
      const name = basename(gone).slice(0, 24)
      expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining(`${name} is missing in the archive`) })
      expect(stderr).not.toContain('checking and decrypting')
    })

    test('a segment that is damaged is named before the server is started', async () => {
      const from = await bench.copyOfRepository()
      const segments = await segmentsOf(from)
      const damaged = segments.at(-1) ?? ''
      const bytes = await readFile(damaged)
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
      await writeFile(damaged, bytes)
      const { exitCode, stderr } = await restore(bench.idleAt, ['--from', from])
      expect({ exitCode, stderr }).toEqual({ exitCode: 8, stderr: expect.stringContaining(basename(damaged).slice(0, 24)) })
      expect(stderr).not.toContain('the server did not come up')
    })
  },
)

function oneOf(moments: readonly WrittenMoment[]): WrittenMoment {
  const moment = moments[Math.floor(random() * moments.length)]
  if (moment === undefined) throw new Error('there is no moment')
  return moment
}
