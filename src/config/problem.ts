/** One thing wrong with the file. `text`: what is wrong; what to write instead. Never a secret. */
export interface Problem {
  /** Keys and indexes from the root; the last may be missing in the file. */
  readonly path: readonly (string | number)[]
  readonly text: string
  /** From 1; where left out, that of the path. */
  readonly line?: number
  /** Set where problems further down do not matter any more. */
  readonly hides?: 'everything below'
}

/** `systems.avi5.kinds[0]`, `encryption.keys."2026.11"`; '' for the root. */
export function formatPath(path: Problem['path']): string {
  return path.reduce<string>((sofar, segment) => {
    if (typeof segment === 'number') return `${sofar}[${segment}]`
    const key = /^[\w-]+$/.test(segment) ? segment : JSON.stringify(segment)
    return sofar === '' ? key : `${sofar}.${key}`
  }, '')
}
