import { createHash } from 'node:crypto'
import type { Connection } from './connection.js'

/**
 * SHA-256 over what defines a database's schema, ordered by bytes, without OIDs: equal on a server and on its restored copy of
 * the same major version, as PostgreSQL itself prints the expressions.
 */
export async function schemaFingerprint(connection: Connection, columns: ColumnOrder = 'as stored'): Promise<string> {
  const hash = createHash('sha256')
  // Names in printed expressions are qualified or not depending on the search path.
  await connection.rows('set search_path = pg_catalog')
  for (const [what, sql] of Object.entries(catalogQueries(columns))) {
    hash.update(`${what}\n`)
    const rows = await connection.rows<{ line: string }>(`select line from (${sql}) catalogue order by line collate "C"`)
    for (const { line } of rows)
      hash.update(`${line}
`)
  }
  return hash.digest('hex')
}

/**
 * `by name`: equal also on a copy made by pg_dump, which counts columns anew: dropped ones are gone, and inherited ones come first.
 */
export type ColumnOrder = 'as stored' | 'by name'

/** Temporary objects of sessions are in the catalogue too, and come and go. */
const ownSchemas = `n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'`

const catalogQueries = (columns: ColumnOrder): Readonly<Record<string, string>> => ({
  schemas: `select n.nspname as line from pg_namespace n where ${ownSchemas}`,
  relations: `select jsonb_build_array(n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity,
      case when c.relkind in ('v', 'm') then md5(pg_get_viewdef(c.oid)) end)::text as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${ownSchemas} and c.relkind <> 't'`,
  columns: `select jsonb_build_array(n.nspname, c.relname, ${columns === 'by name' ? '' : 'a.attnum, '}a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid))::text as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where ${ownSchemas} and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')`,
  indexes: `select pg_get_indexdef(i.indexrelid) as line from pg_index i join pg_class c on c.oid = i.indexrelid
      join pg_namespace n on n.oid = c.relnamespace where ${ownSchemas}`,
  constraints: `select jsonb_build_array(n.nspname, o.conrelid::regclass::text, o.conname, pg_get_constraintdef(o.oid))::text as line
    from pg_constraint o join pg_namespace n on n.oid = o.connamespace where ${ownSchemas}`,
  functions: `select jsonb_build_array(n.nspname, p.proname, p.prokind, pg_get_function_identity_arguments(p.oid),
      format_type(p.prorettype, null), md5(p.prosrc))::text as line
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ownSchemas}`,
  triggers: `select pg_get_triggerdef(t.oid) as line from pg_trigger t where not t.tgisinternal`,
  policies: `select jsonb_build_array(p.polrelid::regclass::text, p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid),
      pg_get_expr(p.polwithcheck, p.polrelid))::text as line from pg_policy p`,
  labels: `select jsonb_build_array(n.nspname, t.typname, e.enumsortorder, e.enumlabel)::text as line
    from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace where ${ownSchemas}`,
  extensions: `select jsonb_build_array(extname, extversion)::text as line from pg_extension`,
})
