import { existsSync, readdirSync, statSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bundleWorkflowCode } from '@temporalio/worker'

/** The workflows as they are in the source now. That takes seconds: one file of a run does it, the others find what it made. */
export async function bundleWorkflows(): Promise<{ readonly code: string }> {
  const source = resolve('src')
  const changed = readdirSync(source, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(source, name)).mtimeMs)
  const path = join(tmpdir(), `workflows-${Math.max(...changed)}.js`)
  if (!existsSync(path)) {
    const { code } = await bundleWorkflowCode({ workflowsPath: join(source, 'workflows/index.ts'), logger: silent })
    const own = `${path}.${process.pid}`
    await writeFile(own, code)
    await rename(own, path)
  }
  return { code: await readFile(path, 'utf8') }
}

const silent = { log: () => {}, trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
