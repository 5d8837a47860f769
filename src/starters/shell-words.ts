/** A word of a shell's command. */
export function shellWord(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : quoted(text)
}

/** The database as a shell and psql take it, whatever is in its name: one with `=` would be a connection string. */
export function databaseArgument(name: string): string {
  if (/^[\w.-]+$/.test(name)) return `-d ${name}`
  return `-d ${quoted(`dbname='${name.replace(/['\\]/g, '\\$&')}'`)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
