/** A connection string of libpq. Quoted: a name of a database may hold spaces, quotes, even `=`. */
export function conninfo(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}='${value.replace(/['\\]/g, '\\$&')}'`)
    .join(' ')
}
