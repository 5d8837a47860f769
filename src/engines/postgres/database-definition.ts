import { z } from 'zod'
import { type Connection, oneRow } from './connection.js'
import { readVersionNumber } from './server-version.js'

/** How a database itself was made and what was set on it: what a dump tells under the original's name alone. */
export const databaseDefinitionSchema = z.object({
  encoding: z.string(),
  ctype: z.string(),
  provider: z.enum(['libc', 'icu', 'builtin']),
  /** Of providers other than libc. */
  locale: z.string().optional(),
  icuRules: z.string().optional(),
  owner: z.string(),
  /** Absent: PostgreSQL's own, which let everybody connect. */
  privileges: z
    .array(
      z.object({
        /** Absent: everybody. */
        role: z.string().optional(),
        privilege: z.enum(['CREATE', 'CONNECT', 'TEMPORARY']),
        grantable: z.boolean(),
      }),
    )
    .optional(),
  /** `name=value`, as ALTER DATABASE … SET keeps them. */
  settings: z.array(z.string()),
  comment: z.string().optional(),
})

/** A role that a database cannot do without, and for what. */
export const neededRoleSchema = z.object({
  name: z.string(),
  /** `named`: in row security policies and user mappings. */
  as: z.array(z.enum(['owner', 'granted', 'named'])),
})

export type DatabaseDefinition = z.infer<typeof databaseDefinitionSchema>
export type NeededRole = z.infer<typeof neededRoleSchema>

/** Of the database the connection is in. */
export async function readDefinition(connection: Connection): Promise<DatabaseDefinition> {
  const number = await readVersionNumber(connection)
  const locale = number >= 170_000 ? 'd.datlocale' : number >= 150_000 ? 'd.daticulocale' : 'null'
  const { definition } = await oneRow<{ definition: DatabaseDefinition }>(
    connection,
    `select json_strip_nulls(json_build_object(
        'encoding', pg_encoding_to_char(d.encoding), 'ctype', d.datctype,
        'provider', case ${number >= 150_000 ? 'd.datlocprovider' : `'c'`} when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end,
        'locale', ${locale}, 'icuRules', ${number >= 160_000 ? 'd.daticurules' : 'null'},
        'owner', pg_get_userbyid(d.datdba),
        'privileges', case when d.datacl is not null then coalesce(
          (select json_agg(json_build_object('role', r.rolname, 'privilege', a.privilege_type, 'grantable', a.is_grantable))
             from aclexplode(d.datacl) a left join pg_roles r on r.oid = a.grantee), '[]') end,
        'settings', coalesce((select to_json(s.setconfig) from pg_db_role_setting s where s.setdatabase = d.oid and s.setrole = 0), '[]'),
        'comment', shobj_description(d.oid, 'pg_database'))) as definition
       from pg_database d where d.datname = current_database()`,
  )
  return databaseDefinitionSchema.parse(definition)
}

/** Objects with OIDs below were made by initdb. */
const firstNormalOid = 16_384

/**
 * Roles that own something in the database the connection is in, are granted something, or are named. PostgreSQL does not count
 * what its bootstrap superuser owns, so that is looked for.
 */
export function readNeededRoles(connection: Connection): Promise<NeededRole[]> {
  return connection.rows<NeededRole>(
    `with database as (select oid, datdba from pg_database where datname = current_database()),
      counted as (
        select refobjid as role, case when deptype = 'r' or classid = 'pg_user_mapping'::regclass then 'named'
                                      when deptype = 'o' then 'owner' else 'granted' end as part
          from pg_shdepend, database
         where refclassid = 'pg_authid'::regclass and deptype in ('o', 'a', 'r')
           and (dbid = database.oid or (dbid = 0 and classid = 'pg_database'::regclass and objid = database.oid))
        union
        select 10, 'owner' where exists (select from database where datdba = 10)
          or exists (select from pg_namespace where nspowner = 10 and oid >= ${firstNormalOid} and nspname !~ '^pg_')
          or exists (select from pg_class where relowner = 10 and oid >= ${firstNormalOid} and relpersistence <> 't')
          or exists (select from pg_proc where proowner = 10 and oid >= ${firstNormalOid})
          or exists (select from pg_type where typowner = 10 and oid >= ${firstNormalOid} and typrelid = 0))
     select r.rolname as name, array_agg(distinct part order by part) as as
       from counted join pg_roles r on r.oid = counted.role where r.rolname !~ '^pg_'
      group by 1 order by r.rolname collate "C"`,
  )
}
