import pg from 'pg'

export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** One thing a server holds, and a digest that changes with any byte of it. */
export interface Content {
  /** `shop: public."Order Lines"` */
  readonly name: string
  readonly rows: number
  readonly digest: string
}

/** Every table, sequence and large object of every database, and the roles: all that a dump would hold. */
export async function readContents(login: Login): Promise<Content[]> {
  const [databases, roles] = await withDatabase(login, 'postgres', async (query) => [
    await query<{ name: string }>('select datname as name from pg_database where datallowconn order by datname'),
    await query<Digest>(
      digestOf(`select rolname, rolsuper, rolcanlogin, rolpassword from pg_authid where oid >= 16384 or rolsuper`),
    ),
  ])
  const contents: Content[] = roles.map((row) => toContent('(roles)', row))
  for (const { name } of databases) contents.push(...(await withDatabase(login, name, (query) => readDatabase(name, query))))
  return contents
}

type Query = <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>
type Digest = { readonly rows: string; readonly digest: string }

async function readDatabase(database: string, query: Query): Promise<Content[]> {
  const tables = await query<{ name: string }>(
    `select format('%I.%I', nspname, relname) as name
       from pg_class c join pg_namespace n on n.oid = relnamespace
      where relkind in ('r', 'm') and nspname <> 'information_schema' and nspname !~ '^pg_'
      order by nspname, relname`,
  )
  const contents: Content[] = []
  for (const { name } of tables) {
    const [row] = await query<Digest>(digestOf(`select * from ${name}`))
    contents.push(toContent(`${database}: ${name}`, row))
  }
  const rest: readonly (readonly [string, string])[] = [
    ['(sequences)', 'select schemaname, sequencename, last_value from pg_sequences'],
    ['(large objects)', 'select oid, md5(lo_get(oid)) from pg_largeobject_metadata'],
    ['(schema)', columns],
  ]
  for (const [what, text] of rest) {
    const [row] = await query<Digest>(digestOf(text))
    if (row !== undefined && row.rows !== '0') contents.push(toContent(`${database}: ${what}`, row))
  }
  return contents
}

const columns = `
  select nspname, relname, relkind, attname, format_type(atttypid, atttypmod), attnotnull
    from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
   where attnum > 0 and not attisdropped and nspname !~ '^(pg_|information_schema)'`

/** Of all rows in an order that is the same on every server: that of their own digests. */
function digestOf(rows: string): string {
  // As numbers of 128 bits: they are sorted several times faster than text.
  return `select count(*)::text as rows, coalesce(md5(string_agg(digest::text, '' order by digest)), '') as digest
            from (select md5(each::text)::uuid as digest from (${rows}) each) digests`
}

function toContent(name: string, row: Digest | undefined): Content {
  return { name, rows: Number(row?.rows ?? 0), digest: row?.digest ?? '' }
}

async function withDatabase<T>(login: Login, database: string, use: (query: Query) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...login, database })
  client.on('error', () => {})
  await client.connect()
  try {
    // Digests are of the text of rows, which these settings shape.
    await client.query(
      `set timezone = 'UTC'; set datestyle = 'ISO'; set extra_float_digits = 1; set bytea_output = 'hex'; set work_mem = '64MB'`,
    )
    return await use(async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows)
  } finally {
    await client.end()
  }
}

export interface Nature {
  readonly timeline: number
  readonly archiveMode: string
  readonly inRecovery: boolean
  readonly systemIdentifier: string
}

/** Whose history a server writes, and where to. */
export async function readNature(login: Login): Promise<Nature> {
  const [row] = await withDatabase(login, 'postgres', (query) =>
    query<Nature>(
      `select timeline_id as timeline, current_setting('archive_mode') as "archiveMode", pg_is_in_recovery() as "inRecovery",
              (select system_identifier::text from pg_control_system()) as "systemIdentifier"
         from pg_control_checkpoint()`,
    ),
  )
  if (row === undefined) throw new Error(`no answer from the server on port ${login.port}`)
  return row
}
