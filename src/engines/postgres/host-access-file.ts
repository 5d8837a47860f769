/**
 * Methods every build of the server knows and that need no file or service of the original machine. `trust` is not among them:
 * whom the original trusted came from its machine, and others come from this one.
 */
const portableMethods = new Set(['reject', 'scram-sha-256', 'md5', 'password'])

/**
 * The pg_hba.conf of a restored server: whoever may enter the socket's directory (0700) may log in, and the original's lines for
 * TCP follow, in their order. Lines that trust, and lines that need files or services of the original machine, are kept as
 * comments: one of the latter would keep the server from starting.
 */
export function hostAccessFile(original: string | undefined): string {
  const lines = (original ?? '').replaceAll('\\\n', ' ').split('\n')
  const kept = lines
    .filter((line) => /^\s*host/.test(line))
    .map((line) => (isPortable(line) ? line.trim() : `# left out: ${line.trim()}`))
  return [
    '# Written by Holdfast for a restored server.',
    'local all all trust',
    ...(original === undefined ? [] : ['# From the original:']),
    ...kept,
    '',
  ].join('\n')
}

function isPortable(line: string): boolean {
  const words = line.replace(/#.*/, '').trim().split(/\s+/)
  // `@name` stands for a file of names; `include` directives do not begin with `host`.
  if (words.some((word) => word.includes('@'))) return false
  const [, , , address = '', fourth = '', fifth = ''] = words
  // An address may be followed by a mask in a word of its own.
  const method = /^[\d.]+$|^[\da-fA-F:]+:[\da-fA-F:]*$/.test(fourth) && !address.includes('/') ? fifth : fourth
  return portableMethods.has(method)
}
