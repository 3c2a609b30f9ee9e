-- Keys as CREATE and ALTER TABLE declared them; they are not enforced. Columns are PostgreSQL 8.0's.
create or replace view pg_catalog.redshift_keys as
select
    c.oid, k.name, c.connamespace as namespace, k.tbl, k.kind, c.conkey as columns, k.parent, k.parent_columns, (
        select p.oid from redshift_meta.keys u join redshift_hidden.pg_constraint p on p.conrelid = u.tbl and p.conname = u.name
        where u.tbl = k.parent and u.kind in ('p', 'u') and p.conkey @> k.parent_columns and p.conkey <@ k.parent_columns
        order by u.kind, u.name limit 1
    ) as parent_key
from redshift_meta.keys k
join redshift_hidden.pg_constraint c on c.conrelid = k.tbl and c.conname = k.name;

create or replace function pg_catalog.redshift_key_text(tbl oid, key smallint[]) returns text language sql stable as $$
    select '(' || redshift_hidden.string_agg(quote_ident(a.attname), ', ' order by redshift_hidden.array_position(key, a.attnum)) || ')'
    from pg_catalog.pg_attribute a where a.attrelid = tbl and a.attnum = any (key) $$;
create or replace function pg_catalog.pg_get_constraintdef(number oid) returns text language sql stable as $$
    select case k.kind when 'p' then 'PRIMARY KEY ' when 'u' then 'UNIQUE ' else 'FOREIGN KEY ' end
        || pg_catalog.redshift_key_text(k.tbl, k.columns)
        || case when k.kind = 'f' then ' REFERENCES ' || k.parent::regclass::text || pg_catalog.redshift_key_text(k.parent, k.parent_columns)
            else '' end
    from pg_catalog.redshift_keys k where k.oid = number $$;
create or replace function pg_catalog.pg_get_constraintdef(number oid, pretty boolean) returns text language sql stable as $$
    select pg_catalog.pg_get_constraintdef(number) $$;
create or replace function pg_catalog.pg_get_indexdef(number oid) returns text language sql stable as $$
    select coalesce((
        select 'CREATE UNIQUE INDEX ' || quote_ident(k.name) || ' ON ' || k.tbl::regclass::text || ' USING btree '
            || pg_catalog.redshift_key_text(k.tbl, k.columns)
        from pg_catalog.redshift_keys k where k.oid = number and k.kind in ('p', 'u')
    ), redshift_hidden.pg_get_indexdef(number)) $$;
create or replace function pg_catalog.pg_get_indexdef(number oid, col int, pretty boolean) returns text language sql stable as $$
    select case when col = 0 then pg_catalog.pg_get_indexdef(number) else coalesce((
        select quote_ident(a.attname)
        from pg_catalog.redshift_keys k join pg_catalog.pg_attribute a on a.attrelid = k.tbl and a.attnum = k.columns[col]
        where k.oid = number and k.kind in ('p', 'u')
    ), redshift_hidden.pg_get_indexdef(number, col, pretty)) end $$;

create or replace view pg_catalog.pg_constraint as
select
    k.oid, k.name as conname, k.namespace as connamespace, k.kind as contype, false as condeferrable, false as condeferred, k.tbl as conrelid,
    0::oid as contypid, coalesce(k.parent, 0::oid) as confrelid, case k.kind when 'f' then 'a' else ' ' end::"char" as confupdtype,
    case k.kind when 'f' then 'a' else ' ' end::"char" as confdeltype, case k.kind when 'f' then 'u' else ' ' end::"char" as confmatchtype,
    k.columns as conkey, k.parent_columns as confkey, null::text as conbin, null::text as consrc
from pg_catalog.redshift_keys k;
create or replace view pg_catalog.pg_index as
select * from redshift_hidden.pg_index
union all
select
    k.oid, k.tbl, cardinality(k.columns)::smallint, cardinality(k.columns)::smallint, true, false, k.kind = 'p', false, true, false, true,
    false, true, true, false, array_to_string(k.columns, ' ')::int2vector, ''::oidvector, ''::oidvector, ''::int2vector,
    null::pg_node_tree, null::pg_node_tree
from pg_catalog.redshift_keys k where k.kind in ('p', 'u');
create or replace view pg_catalog.pg_indexes as
select * from redshift_hidden.pg_indexes
union all
select n.nspname, c.relname, k.name, null::name, pg_catalog.pg_get_indexdef(k.oid)
from pg_catalog.redshift_keys k
join pg_catalog.pg_class c on c.oid = k.tbl
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.kind in ('p', 'u');

create or replace view information_schema.table_constraints as
select
    current_database()::varchar as constraint_catalog, n.nspname::varchar as constraint_schema, k.name::varchar as constraint_name,
    current_database()::varchar as table_catalog, n.nspname::varchar as table_schema, c.relname::varchar as table_name,
    case k.kind when 'p' then 'PRIMARY KEY' when 'u' then 'UNIQUE' else 'FOREIGN KEY' end::varchar as constraint_type,
    'NO'::varchar as is_deferrable, 'NO'::varchar as initially_deferred
from pg_catalog.redshift_keys k
join pg_catalog.pg_class c on c.oid = k.tbl
join pg_catalog.pg_namespace n on n.oid = c.relnamespace;
create or replace view information_schema.key_column_usage as
select
    current_database()::varchar as constraint_catalog, n.nspname::varchar as constraint_schema, k.name::varchar as constraint_name,
    current_database()::varchar as table_catalog, n.nspname::varchar as table_schema, c.relname::varchar as table_name,
    a.attname::varchar as column_name, array_position(k.columns, a.attnum)::int as ordinal_position
from pg_catalog.redshift_keys k
join pg_catalog.pg_class c on c.oid = k.tbl
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any (k.columns);
create or replace view information_schema.referential_constraints as
select
    current_database()::varchar as constraint_catalog, n.nspname::varchar as constraint_schema, k.name::varchar as constraint_name,
    current_database()::varchar as unique_constraint_catalog, u.nspname::varchar as unique_constraint_schema,
    p.name::varchar as unique_constraint_name, 'NONE'::varchar as match_option, 'NO ACTION'::varchar as update_rule,
    'NO ACTION'::varchar as delete_rule
from pg_catalog.redshift_keys k
join pg_catalog.pg_namespace n on n.oid = k.namespace
join pg_catalog.redshift_keys p on p.oid = k.parent_key
join pg_catalog.pg_namespace u on u.oid = p.namespace
where k.kind = 'f';
-- Of a foreign key, the columns that it refers to.
create or replace view information_schema.constraint_column_usage as
select
    current_database()::varchar as table_catalog, t.nspname::varchar as table_schema, c.relname::varchar as table_name,
    a.attname::varchar as column_name, current_database()::varchar as constraint_catalog, n.nspname::varchar as constraint_schema,
    k.name::varchar as constraint_name
from pg_catalog.redshift_keys k
join pg_catalog.pg_namespace n on n.oid = k.namespace
join pg_catalog.pg_class c on c.oid = coalesce(k.parent, k.tbl)
join pg_catalog.pg_namespace t on t.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any (coalesce(k.parent_columns, k.columns));
create or replace view information_schema.constraint_table_usage as
select distinct table_catalog, table_schema, table_name, constraint_catalog, constraint_schema, constraint_name
from information_schema.constraint_column_usage;
create or replace view information_schema.check_constraints as
select ''::varchar as constraint_catalog, ''::varchar as constraint_schema, ''::varchar as constraint_name, ''::varchar as check_clause
where false;
