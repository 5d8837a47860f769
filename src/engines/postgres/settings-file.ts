/** A configuration file's assignment, comments gone. */
export interface Assignment {
  readonly name: string
  readonly value: string
}

/** `name = 'value'` with the quoting of postgresql.conf. */
export function formatSetting({ name, value }: Assignment): string {
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** The lines of a configuration file that do not set any of the names. Names are case-insensitive; `=` is optional. */
export function withoutSettings(text: string, names: ReadonlySet<string>): string {
  return text
    .split('\n')
    .filter((line) => {
      const name = /^\s*([A-Za-z_][\w.]*)/.exec(line)?.[1]?.toLowerCase()
      return name === undefined || !names.has(name)
    })
    .join('\n')
}
