import { resolve } from 'node:path'
import { execa } from 'execa'
import { compileCache } from './compile-cache.js'

export interface CliResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const cli = resolve('dist/bundle/holdfast.cjs')

/** Runs the built `holdfast` as an operator does. */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliResult> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [cli, ...args], {
    env: { ...compileCache, ...env },
    extendEnv: false,
    reject: false,
    timeout: 300_000,
  })
  return { exitCode: exitCode ?? -1, stdout, stderr }
}
