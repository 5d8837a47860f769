import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { watchUsage } from '../../bench/watch-usage.js'

/** A program that holds 80 MB, works for half a second and says so. */
const worker = `const held = Buffer.alloc(80e6, 1)
const end = performance.now() + 500
while (performance.now() < end);
console.log(held.length)`

/** A parent that starts it in a session of its own and ends at once. */
const parent = `const { spawn } = require('node:child_process')
const child = spawn(process.execPath, ['-e', ${JSON.stringify(worker)}], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] })
setTimeout(() => process.exit(), 250)`

test('memory and CPU time of what a program started are seen, also after the program has ended', async () => {
  const child = execa(process.execPath, ['-e', parent], { buffer: false })
  await once(child.nodeChildProcess, 'spawn')
  const watch = watchUsage({ all: { roots: [child.pid ?? -1], of: 'tool' } })
  // Its output ends with the last of them.
  for await (const _ of child.iterable()) await sleep(0)
  const { all } = watch.stop()
  expect(all.peakBytes).toBeGreaterThan(80e6)
  expect(Object.values(all.peakShares).reduce((sum, share) => sum + share, 0)).toBe(all.peakBytes)
  expect(all.cpuSeconds).toBeGreaterThan(0.3)
})

test('what a program used before it is watched does not count', async () => {
  const child = execa(process.execPath, ['-e', `${worker}; setTimeout(() => {}, 60_000)`], { reject: false })
  await once(child.nodeChildProcess.stdout ?? child.nodeChildProcess, 'data')
  const watch = watchUsage({ server: { roots: [child.pid ?? -1], of: 'server' } })
  await sleep(150)
  const { server } = watch.stop()
  child.kill('SIGKILL')
  await child
  expect(server.cpuSeconds).toBeLessThan(0.3)
  expect(server.peakBytes).toBe(0)
})
