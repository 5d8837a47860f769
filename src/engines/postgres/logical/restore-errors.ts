/** An error pg_restore goes on after. */
export interface RestoreError {
  readonly error: string
  /** What was to be made: the beginning of the command, without literals, which may hold secrets. Absent where it is not told. */
  readonly command?: string
}

/** Reads the errors out of pg_restore's standard error, line by line. */
export function createErrorReader(): { read(line: string): void; readonly errors: readonly RestoreError[] } {
  const errors: RestoreError[] = []
  const describe = (command: string) => {
    const last = errors.pop()
    if (last !== undefined) errors.push({ ...last, command })
  }
  return {
    errors,
    read(line) {
      const error = /^pg_restore: error: (?:could not execute query: )?(.*)/.exec(line)?.[1]
      if (error !== undefined) errors.push({ error })
      const begun = /^Command was: (.*)/.exec(line)?.[1]
      if (begun !== undefined) describe(withoutLiterals(begun))
      // pg_dump writes constraints, and attached partitions, on the line after their table.
      const clause = /^ +((?:ADD CONSTRAINT|ATTACH PARTITION) .*)/.exec(line)?.[1]
      const table = errors.at(-1)?.command
      if (clause !== undefined && table?.startsWith('ALTER TABLE') === true && !table.includes(' ADD CONSTRAINT ')) {
        describe(`${table} ${withoutLiterals(clause)}`)
      }
    },
  }
}

function withoutLiterals(sql: string): string {
  return sql.replace(/'.*$/, '…').replace(/;$/, '')
}
