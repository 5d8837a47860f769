import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

export interface Finding {
  readonly file: string
  readonly line: number
  /** `lint/style/noEnum`; of our own rules `plugin`. */
  readonly rule: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Lints files (`path from the root` → text) in a directory of their own under this project's configuration. */
export async function lintSample(files: Readonly<Record<string, string>>): Promise<Finding[]> {
  const directory = await mkdtemp(join(tmpdir(), 'lint-'))
  try {
    await cp(join(root, 'biome.json'), join(directory, 'biome.json'))
    await cp(join(root, 'scripts/lint'), join(directory, 'scripts/lint'), { recursive: true })
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const args = ['lint', '--vcs-enabled=false', '--reporter=github', '--max-diagnostics=none', 'src']
    const { stdout } = await execa(join(root, 'node_modules/.bin/biome'), args, { cwd: directory, reject: false })
    return findingsOf(stdout, `${directory}/`)
  } finally {
    await rm(directory, { recursive: true })
  }
}

function findingsOf(output: string, prefix: string): Finding[] {
  return [...output.matchAll(/^::\w+ title=([^,]+),file=([^,]+),line=(\d+)/gm)].map(([, rule = '', file = '', line]) => ({
    file: file.replace(prefix, ''),
    line: Number(line),
    rule,
  }))
}
