import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Composition } from '../../src/composition/compose.js'
import { parseInstanceName } from '../../src/domain/ids.js'
import { jobDirectory } from '../../src/jobs/job-directory.js'
import { extractJobName, prefetchJobName } from '../../src/jobs/job-spec.js'
import { removeInstance } from '../../src/workers/remove-instance.js'

test('an instance is removed with the jobs that extract into it and deliver WAL to it', async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'state-'))
  const name = parseInstanceName('copy')
  const jobs = [extractJobName(name), prefetchJobName(name)].map((job) => jobDirectory(stateDirectory, job))
  for (const { path, spec } of jobs) {
    await mkdir(path, { recursive: true })
    await writeFile(spec, '{}')
  }
  const dispose = async () => {
    for (const { path } of jobs) await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' })
    return 'disposed'
  }
  const composition = { config: { stateDirectory }, provisioner: { dispose } } as unknown as Composition
  await removeInstance(composition, name, new AbortController().signal)
  await rm(stateDirectory, { recursive: true })
})
