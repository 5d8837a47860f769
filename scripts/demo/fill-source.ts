import type { TestPostgres } from '../../test/servers/postgres.js'

/** Hex digits that do not repeat, so that they compress as text does and not to nothing. */
const words = (count: number, of: string) => Array.from({ length: count }, (_, n) => `md5('${n}' || ${of})`).join(' || ')

/**
 * Two databases of some 300 MB: tables in both tablespaces, values stored out of line, a sequence, large objects, an empty table,
 * names that want quoting.
 */
export async function fillSource(source: TestPostgres): Promise<void> {
  await source.sql('create database shop')
  await source.sql('create database warehouse')
  await source.sql(
    `create table customers (id int primary key, name text not null, note text);
     create table orders (id bigint generated always as identity primary key, customer int not null, details text not null);
     create table "Order Lines" (id int, article text not null, price numeric(10, 2)) tablespace fast;
     create table documents (id int primary key, content bytea not null);
     create table returns (id int primary key);
     create sequence invoice_numbers start 1000;`,
    'shop',
  )
  await source.sql('create table stock (article int primary key, label text, counted timestamptz) tablespace fast', 'warehouse')
  // Two sessions, for two cores.
  await Promise.all([
    source.sql(
      `insert into orders (customer, details) select i % 50000, ${words(8, 'i')} from generate_series(1, 400000) i`,
      'shop',
    ),
    source
      .sql(`insert into "Order Lines" select i, ${words(5, 'i')}, i % 9973 from generate_series(1, 450000) i`, 'shop')
      .then(() =>
        source.sql(`insert into customers select i, 'customer ' || i, ${words(2, 'i')} from generate_series(1, 50000) i`, 'shop'),
      )
      .then(() =>
        source.sql(
          `insert into documents select d, (select string_agg(sha512((d || '.' || i)::bytea), '') from generate_series(1, 2000) i)
             from generate_series(1, 150) d;
           select nextval('invoice_numbers') from generate_series(1, 42);
           select lo_from_bytea(0, sha512(i::text::bytea)) from generate_series(1, 20) i`,
          'shop',
        ),
      )
      .then(() =>
        source.sql(
          `insert into stock select i, ${words(3, 'i')}, timestamptz '2026-01-01' + i * interval '1 minute'
             from generate_series(1, 100000) i`,
          'warehouse',
        ),
      ),
  ])
}

/** Of all databases together. */
export async function sizeOf(source: TestPostgres): Promise<number> {
  const [row] = await source.sql<{ bytes: string }>('select sum(pg_database_size(oid))::text as bytes from pg_database')
  return Number(row?.bytes ?? 0)
}
