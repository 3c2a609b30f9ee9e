-- The catalogue of relations as clients see it: the front uses these views instead of PostgreSQL's.
-- Encoding numbers are this catalogue's own: clients pass them to FORMAT_ENCODING.
create or replace function pg_catalog.redshift_encoding(name text) returns int language sql immutable as $$
    select coalesce(redshift_hidden.array_position(array['raw', 'az64', 'bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16',
        'mostly32', 'runlength', 'text255', 'text32k', 'zstd'], name), 0) $$;
create or replace function pg_catalog.format_encoding(number int) returns char(32) language sql immutable strict as $$
    select coalesce((array['raw', 'az64', 'bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16',
        'mostly32', 'runlength', 'text255', 'text32k', 'zstd'])[number], 'none')::char(32) $$;
-- A late-binding view has no columns in Redshift's catalogue: the front uses these instead of PostgreSQL's.
create or replace view pg_catalog.redshift_attribute as
select a.*, pg_catalog.redshift_encoding(e.encoding) as attencodingtype, coalesce(t.distkey = a.attname::text, false) as attisdistkey,
    pg_catalog.redshift_sort_position(t.sorttype, t.sortkeys, a.attname) as attsortkeyord
from pg_catalog.pg_attribute a
left join redshift_meta.table_attributes t on t.tbl = a.attrelid
left join pg_catalog.redshift_encodings e on e.tbl = a.attrelid and e.col = a.attname
where a.attrelid not in (select l.view from redshift_meta.late_binding_views l union all select x.tbl from redshift_meta.external_tables x);
-- An IDENTITY is a default in Redshift: sqlalchemy-redshift has its text. It is no expression of PostgreSQL's, so that all are text.
create or replace view pg_catalog.redshift_attrdef as
select oid, adrelid, adnum, pg_catalog.pg_get_expr(adbin, adrelid) as adbin, pg_catalog.pg_get_expr(adbin, adrelid) as adsrc
from pg_catalog.pg_attrdef
union all
select s.seqrelid, a.attrelid, a.attnum, i.source, i.source
from pg_catalog.pg_attribute a
join pg_catalog.pg_depend d on d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i' and d.classid = 'pg_class'::regclass
join redshift_hidden.pg_sequence s on s.seqrelid = d.objid
cross join lateral (select format('"%s"(%s, 0, ''%s,%s''::text)', case a.attidentity when 'a' then 'identity' else 'default_identity' end,
    a.attrelid, s.seqstart, s.seqincrement) as source) i
where a.attidentity <> '';
create or replace function pg_catalog.pg_get_expr(source text, relation oid) returns text language sql immutable as 'select source';
create or replace function pg_catalog.pg_get_expr(source text, relation oid, pretty boolean) returns text language sql immutable as 'select source';
create or replace view pg_catalog.redshift_namespace as
select * from pg_catalog.pg_namespace where nspname not in ('redshift_meta', 'redshift_hidden');
create or replace view pg_catalog.redshift_class as
select
    c.oid, c.relname, c.relnamespace, c.reltype, c.reloftype, c.relowner, c.relam, c.relfilenode, c.reltablespace, c.relpages, c.reltuples,
    c.relallvisible, c.reltoastrelid, c.relhasindex or exists (
        select 1 from redshift_meta.keys k where k.tbl = c.oid and k.kind in ('p', 'u')
    ) as relhasindex,
    c.relisshared, c.relpersistence, c.relkind, c.relnatts, 0::smallint as relchecks, c.relhasrules, false as relhastriggers, c.relhassubclass,
    c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, c.relreplident, c.relispartition, c.relrewrite, c.relfrozenxid,
    c.relminmxid, c.relacl, c.reloptions, c.relpartbound,
    case t.diststyle when 'even' then 0 when 'key' then 1 when 'all' then 8 else 10 end as reldiststyle
from pg_catalog.pg_class c left join redshift_meta.table_attributes t on t.tbl = c.oid
where c.oid not in (select x.tbl from redshift_meta.external_tables x);
-- With the indexes of keys, for statements that read pg_index: a union costs the planner the indexes of pg_attribute.
create or replace view pg_catalog.redshift_class_and_indexes as
select * from pg_catalog.redshift_class
union all
select
    k.oid, k.name, c.relnamespace, 0::oid, 0::oid, c.relowner, 403::oid, k.oid, 0::oid, 1, 0::real,
    0, 0::oid, false,
    false, c.relpersistence, 'i'::"char", cardinality(k.columns)::smallint, 0::smallint, false, false, false,
    false, false, true, 'n'::"char", false, 0::oid, '0'::xid,
    '0'::xid, null::aclitem[], null::text[], null::pg_node_tree,
    0
from pg_catalog.redshift_keys k join pg_catalog.pg_class c on c.oid = k.tbl
where k.kind in ('p', 'u');
create or replace view pg_catalog.redshift_attribute_and_indexes as
select * from pg_catalog.redshift_attribute
union all
select
    k.oid, a.attname, a.atttypid, a.attstattarget, a.attlen, array_position(k.columns, a.attnum)::smallint, a.attndims, a.attcacheoff,
    a.atttypmod, a.attbyval, a.attalign, a.attstorage, a.attcompression, false, false, false, ''::"char", ''::"char", false, true, 0,
    a.attcollation, null::aclitem[], null::text[], null::text[], a.attmissingval, 0, false, 0
from pg_catalog.redshift_keys k join pg_catalog.pg_attribute a on a.attrelid = k.tbl and a.attnum = any (k.columns)
where k.kind in ('p', 'u');
create or replace view information_schema.redshift_columns as
select c.* from information_schema.columns c
where not exists (
    select 1 from (select view from redshift_meta.late_binding_views union all select tbl from redshift_meta.external_tables) l
    join pg_catalog.pg_class k on k.oid = l.view
    join pg_catalog.pg_namespace n on n.oid = k.relnamespace
    where n.nspname = c.table_schema and k.relname = c.table_name
);
-- External tables are shown by svv_external_tables alone.
create or replace view pg_catalog.redshift_external_names as
select n.nspname as schema_name, c.relname as table_name
from redshift_meta.external_tables x join pg_catalog.pg_class c on c.oid = x.tbl join pg_catalog.pg_namespace n on n.oid = c.relnamespace;
create or replace view pg_catalog.redshift_tables as
select * from pg_catalog.pg_tables
where (schemaname, tablename) not in (select schema_name, table_name from pg_catalog.redshift_external_names);
create or replace view information_schema.redshift_tables as
select * from information_schema.tables
where (table_schema, table_name) not in (select schema_name, table_name from pg_catalog.redshift_external_names);
-- PostgreSQL would derive a view's definition from the tables that it is bound to, which may no longer exist.
create or replace function pg_catalog.pg_get_viewdef(view oid) returns text language sql stable as $$
    select coalesce(
        (select definition || ';' from redshift_meta.materialized_views m where m.view = $1),
        (select definition from redshift_meta.late_binding_views l where l.view = $1),
        redshift_hidden.pg_get_viewdef($1)) $$;
create or replace function pg_catalog.pg_get_viewdef(view oid, pretty boolean) returns text language sql stable as $$
    select pg_catalog.pg_get_viewdef($1) $$;
create or replace function pg_catalog.pg_get_viewdef(view text) returns text language sql stable as $$
    select pg_catalog.pg_get_viewdef($1::regclass::oid) $$;
create or replace view pg_catalog.redshift_views as
select n.nspname as schemaname, c.relname as viewname, pg_get_userbyid(c.relowner) as viewowner,
    case when l.view is null then pg_catalog.pg_get_viewdef(c.oid)
        else coalesce(l.definition, format('create view %I.%I as %s with no schema binding', n.nspname, c.relname, l.body)) || ';'
        end as definition
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join redshift_meta.late_binding_views l on l.view = c.oid
where c.relkind = 'v' and n.nspname <> 'redshift_meta';
create or replace view information_schema.redshift_views as
select current_database()::varchar as table_catalog, schemaname::varchar as table_schema, viewname::varchar as table_name,
    definition::varchar as view_definition, 'NONE'::varchar as check_option, 'NO'::varchar as is_updatable, 'NO'::varchar as is_insertable_into
from pg_catalog.redshift_views v
join pg_catalog.pg_namespace n on n.nspname = v.schemaname
-- By its number: who may not use the schema may not ask for it by name.
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.viewname
where has_any_column_privilege(c.oid, 'select');
grant select on pg_catalog.redshift_attrdef, pg_catalog.redshift_attribute, pg_catalog.redshift_class, pg_catalog.redshift_attribute_and_indexes,
    pg_catalog.redshift_class_and_indexes, pg_catalog.redshift_tables, information_schema.redshift_tables, pg_catalog.redshift_namespace, information_schema.redshift_columns, pg_catalog.redshift_views,
    information_schema.redshift_views to public;
