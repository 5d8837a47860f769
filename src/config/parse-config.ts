import { dirname } from 'node:path'
import { HoldfastError } from '../domain/errors.js'
import { buildConfig } from './build-config.js'
import type { Config } from './config.js'
import { findContradictions, stateDirectoryProblem } from './contradictions.js'
import { explainIssues } from './explain.js'
import type { HostFacts } from './host-facts.js'
import { findNotYetSupported } from './not-yet.js'
import { createResolvePath } from './place.js'
import { formatPath, type Problem } from './problem.js'
import { type ConfigFile, configSchema } from './schema.js'
import { readYaml } from './yaml-source.js'

/**
 * Parses the text of a configuration file.
 * @param filePath absolute; relative paths in the file start from its directory
 * @throws HoldfastError CONFIG_INVALID with every problem at once: `key.path (line N): what is wrong; write X instead`
 */
export function parseConfig(text: string, filePath: string, facts: HostFacts): Config {
  const { problems, lineOf, file } = examine(text, filePath, facts)
  if (problems.length > 0 || file === undefined) throw invalid(filePath, problems, lineOf)
  const config = buildConfig(file, filePath, facts)
  const tooLong = stateDirectoryProblem(config.stateDirectory)
  if (tooLong !== undefined) throw invalid(filePath, [tooLong], lineOf)
  return config
}

/** The problems of a text alone, for whoever writes one and asks about a part of it. Of several at one place the first counts. */
export function findProblems(text: string, filePath: string, facts: HostFacts): readonly Problem[] {
  return examine(text, filePath, facts).problems
}

interface Examined {
  readonly problems: readonly Problem[]
  lineOf(path: Problem['path']): number
  /** Undefined where a problem says why. */
  readonly file: ConfigFile | undefined
}

function examine(text: string, filePath: string, facts: HostFacts): Examined {
  const { value, problems, lineOf } = readYaml(text)
  if (value === undefined) return { problems, lineOf, file: undefined }
  if (value === null) {
    const example = 'write version, encryption, repositories and systems, as docs/configuration.md shows'
    return { problems: [{ path: [], text: `the file is empty; ${example}` }], lineOf, file: undefined }
  }
  const parsed = configSchema.safeParse(value)
  // What is not supported at all hides what is wrong within; of several problems at one place the first is the most telling.
  const unsupported = findNotYetSupported(value).map((problem) => ({ ...problem, hides: 'everything below' as const }))
  const found = [
    ...problems,
    ...unsupported,
    ...findContradictions(value, createResolvePath(dirname(filePath), facts.homeDirectory)),
    ...explainIssues(configSchema, value, parsed.error?.issues ?? []),
  ]
  return { problems: found, lineOf, file: parsed.data }
}

function invalid(filePath: string, problems: readonly Problem[], lineOf: (path: Problem['path']) => number): HoldfastError {
  const placed = problems.map((problem) => ({
    ...problem,
    line: problem.line ?? lineOf(problem.path),
    place: formatPath(problem.path),
  }))
  const kept = placed.filter((problem, index) => !placed.slice(0, index).some((earlier) => covers(earlier, problem)))
  const lines = kept
    .toSorted((a, b) => a.line - b.line)
    .map(({ place, line, text }) => (place === '' ? `line ${line}: ${text}` : `${place} (line ${line}): ${text}`))
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`
  return new HoldfastError('CONFIG_INVALID', `${filePath} has ${count}:\n${lines.map((line) => `  ${line}`).join('\n')}`, {
    details: { path: filePath, problems: lines.length },
  })
}

function covers(earlier: Problem, problem: Problem): boolean {
  if (earlier.path.length === 0) return false
  const above = earlier.path.every((segment, depth) => segment === problem.path[depth])
  return above && (earlier.hides === 'everything below' || earlier.path.length === problem.path.length)
}
