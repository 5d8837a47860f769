import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml'
import type { Problem } from './problem.js'

/** A YAML text as plain data, with the line of everything in it. */
export interface YamlSource {
  /** Undefined where the syntax is too broken to read on. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** From 1: of the key, or of the nearest parent that is there. */
  lineOf(path: Problem['path']): number
}

/** YAML 1.2 with anchors and merge keys. Duplicate keys are problems, but do not hide others. */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false })
  const found = [...document.errors, ...document.warnings].map((error) => describe(error, text, lines))
  // One slip makes the parser stumble several times over the same line: the first says it best.
  const problems = found.filter(({ line }, index) => found.findIndex((other) => other.line === line) === index)
  const lineOf = (path: Problem['path']) => lines.linePos(offsetOf(document, path)).line
  const broken = document.errors.some((error) => error.code !== 'DUPLICATE_KEY')
  if (broken) return { value: undefined, problems, lineOf }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), problems, lineOf }
  } catch {
    const text = 'an alias has no anchor before it, or there are too many aliases; write the values out instead'
    return { value: undefined, problems: [...problems, { path: [], text }], lineOf }
  }
}

function describe(error: YAMLError, text: string, lines: LineCounter): Problem {
  const { line } = lines.linePos(error.pos[0])
  return { path: [], line, text: reasonOf(error, text) }
}

// The library's own words, where they cannot quote the file: a secret may stand where the syntax breaks.
function reasonOf(error: YAMLError, text: string): string {
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = /^[\w."'-]+/.exec(text.slice(error.pos[0]))?.[0] ?? 'this key'
      return `${key} stands twice in one map; remove one of them`
    }
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; write one document, and remove the line ---'
    case 'TAG_RESOLVE_FAILED':
      return 'this tag is not known; remove it, or quote a text that begins with "!"'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'what comes below is indented deeper than it may be; begin it in the column of its neighbours'
    case 'BAD_DQ_ESCAPE':
      return 'this escape is not known; write a backslash twice, or use single quotes'
    default: {
      const reason = error.message.split('\n')[0] ?? ''
      return `not valid YAML: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}; correct the syntax here or just above`
    }
  }
}

function offsetOf(document: Document.Parsed, path: Problem['path']): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document)
    const [at, inner] = step(node, segment)
    if (at === undefined) break
    ;[offset, node] = [at, inner]
  }
  return offset
}

function step(node: unknown, segment: string | number): readonly [number | undefined, unknown] {
  if (isSeq(node)) {
    const item = node.items[Number(segment)]
    return [startOf(item), item]
  }
  if (!isMap(node)) return [undefined, undefined]
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment))
  return [startOf(pair?.key), pair?.value]
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
