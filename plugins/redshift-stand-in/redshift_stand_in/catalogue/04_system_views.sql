-- System views. Source: "System tables and views reference" in the Developer Guide; only what loaders and dbt read.
-- Users see the rows of their own loads; whoever may create users (Redshift's superuser) sees all.
create or replace function pg_catalog.redshift_sees(owner int) returns boolean language sql stable as $$
    select r.oid::int = owner or r.rolcreaterole or r.rolsuper from redshift_hidden.pg_roles r where r.rolname = current_user $$;
create or replace function pg_catalog.redshift_user_schemas() returns setof oid language sql stable as $$
    select oid from pg_catalog.pg_namespace
    where nspname not in ('pg_catalog', 'information_schema', 'redshift_meta', 'redshift_hidden') and nspname !~ '^pg_(toast|temp)' $$;
-- A column's place in the sort key, 0 if none; of an interleaved key they are positive and negative by turns ("PG_TABLE_DEF").
create or replace function pg_catalog.redshift_sort_position(sorttype text, sortkeys text[], attname name) returns int
language sql immutable as $$
    select case when sorttype = 'interleaved' and p % 2 = 0 then -p else p end
    from (select coalesce(redshift_hidden.array_position(sortkeys, attname::text), 0) as p) q $$;

create or replace view pg_catalog.stl_load_errors as
select * from redshift_meta.load_errors where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.sys_load_error_detail as
select
    userid as user_id, query::bigint as query_id, 0::bigint as transaction_id, session as session_id,
    current_database()::char(64) as database_name, tbl as table_id, starttime as start_time, filename as file_name,
    line_number, colname as column_name, type as column_type, col_length as column_length, position,
    err_code as error_code, err_reason as error_message
from redshift_meta.load_errors where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.stl_load_commits as
select * from redshift_meta.load_commits where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.sys_load_history as
select
    userid as user_id, query as query_id, transaction_id, session as session_id,
    current_database()::varchar(128) as database_name, status, table_name, start_time, end_time,
    (redshift_hidden.date_part('epoch', end_time - start_time) * 1000000)::bigint as duration, data_source, file_format, loaded_rows,
    source_files as source_file_count, error_message, error_count
from redshift_meta.loads where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.sys_load_detail as
select
    userid as user_id, query::bigint as query_id, filename as file_name, lines_scanned::bigint as lines_scanned,
    errors as error_count, curtime as record_time, file_format
from redshift_meta.load_commits where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.stl_unload_log as
select userid, query, path, line_count, transfer_size, file_format, end_time
from redshift_meta.unloads where pg_catalog.redshift_sees(userid);

-- Each column's encoding: as it was given, or what it begins with (CREATE TABLE, "ENCODE"; "Loading semistructured data").
create or replace view pg_catalog.redshift_encodings as
select t.attrelid as tbl, t.attname as col, case
    when e.encoding = 'raw' then 'none'
    when e.encoding is not null then e.encoding
    when c.relkind <> 'r' or c.relpersistence = 't' or t.attname::text = any (a.sortkeys) then 'none'
    when t.atttypid in ('smallint'::regtype, 'int'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'date'::regtype, 'time'::regtype,
        'timetz'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) then 'az64'
    when t.atttypid in ('bpchar'::regtype, 'varchar'::regtype, 'text'::regtype, 'varbyte'::regtype) then 'lzo'
    when t.atttypid = 'super'::regtype then 'zstd'
    else 'none' end as encoding
from pg_catalog.pg_attribute t
join pg_catalog.pg_class c on c.oid = t.attrelid
left join redshift_meta.table_attributes a on a.tbl = t.attrelid
left join redshift_meta.encodings e on e.tbl = t.attrelid and e.col = t.attname
where t.attnum > 0 and not t.attisdropped;
create or replace view pg_catalog.svv_table_info as
select
    current_database()::text as database, n.nspname::text as schema, c.oid as table_id,
    coalesce((select v.relname from redshift_meta.materialized_views m join pg_catalog.pg_class v on v.oid = m.view where m.storage = c.oid),
        c.relname)::text as "table",
    (case when exists (select 1 from pg_catalog.redshift_encodings e where e.tbl = c.oid and e.encoding <> 'none') then 'Y' else 'N' end
        || case when exists (select 1 from redshift_meta.encodings e where e.tbl = c.oid) then '' else ', AUTO(ENCODE)' end)::text as encoded,
    case coalesce(a.diststyle, 'auto') when 'key' then 'KEY(' || a.distkey || ')' when 'all' then 'ALL' when 'even' then 'EVEN'
        else 'AUTO(ALL)' end::text as diststyle,
    case when a.sorttype = 'interleaved' then 'INTERLEAVED' else coalesce(a.sortkeys[1], 'AUTO(SORTKEY)') end::text as sortkey1,
    coalesce((select max(t.atttypmod - 4) from pg_catalog.pg_attribute t
        where t.attrelid = c.oid and t.attnum > 0 and t.atttypid = 1043), 0)::int as max_varchar,
    coalesce((select e.encoding from pg_catalog.redshift_encodings e where e.tbl = c.oid and e.col::text = a.sortkeys[1]), 'none')::text as sortkey1_enc,
    coalesce(cardinality(a.sortkeys), 0)::int as sortkey_num,
    greatest(1, redshift_hidden.pg_relation_size(c.oid) / 1048576)::bigint as size,
    0::numeric(10, 4) as pct_used, 0::bigint as empty, null::numeric(5, 2) as unsorted,
    least(100, 100.0 * redshift_hidden.pg_stat_get_mod_since_analyze(c.oid)
        / greatest(1, redshift_hidden.pg_stat_get_live_tuples(c.oid)))::numeric(5, 2) as stats_off,
    (redshift_hidden.pg_stat_get_live_tuples(c.oid) + redshift_hidden.pg_stat_get_dead_tuples(c.oid))::numeric(38, 0) as tbl_rows, null::numeric(19, 2) as skew_sortkey1, null::numeric(19, 2) as skew_rows,
    redshift_hidden.pg_stat_get_live_tuples(c.oid)::numeric(38, 0) as estimated_visible_rows, ''::text as risk_event, 0::numeric(12, 2) as vacuum_sort_benefit
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join redshift_meta.table_attributes a on a.tbl = c.oid
where c.relkind = 'r' and c.relpersistence = 'p' and n.oid in (select pg_catalog.redshift_user_schemas())
    and (c.reltuples > 0 or redshift_hidden.pg_relation_size(c.oid) > 0);

create or replace view pg_catalog.pg_table_def as
select
    n.nspname as schemaname, c.relname as tablename, t.attname as "column",
    pg_catalog.format_type(t.atttypid, t.atttypmod) as type, e.encoding::char(32) as encoding,
    coalesce(a.distkey = t.attname::text, false) as distkey,
    pg_catalog.redshift_sort_position(a.sorttype, a.sortkeys, t.attname) as sortkey, t.attnotnull as "notnull"
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
left join redshift_meta.table_attributes a on a.tbl = c.oid
left join pg_catalog.redshift_encodings e on e.tbl = c.oid and e.col = t.attname
where c.relkind = 'r' and n.nspname = any (current_schemas(false)) and c.oid not in (select x.tbl from redshift_meta.external_tables x);

create or replace view pg_catalog.svv_redshift_columns as
select
    current_database()::varchar(128) as database_name, n.nspname::varchar(128) as schema_name,
    c.relname::varchar(128) as table_name, t.attname::varchar(128) as column_name, t.attnum::int as ordinal_position,
    pg_catalog.format_type(t.atttypid, t.atttypmod)::varchar(128) as data_type,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid)::varchar(4000) as column_default,
    case when t.attnotnull then 'NO' else 'YES' end::varchar(3) as is_nullable,
    e.encoding::varchar(128) as encoding, coalesce(a.distkey = t.attname::text, false) as distkey,
    pg_catalog.redshift_sort_position(a.sorttype, a.sortkeys, t.attname) as sortkey, ''::varchar(128) as column_acl,
    pg_catalog.col_description(c.oid, t.attnum)::varchar(256) as remarks
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = t.attnum
left join redshift_meta.table_attributes a on a.tbl = c.oid
left join pg_catalog.redshift_encodings e on e.tbl = c.oid and e.col = t.attname
where c.relkind in ('r', 'v') and (n.oid in (select pg_catalog.redshift_user_schemas()) or n.oid = pg_my_temp_schema())
    and c.oid not in (select x.tbl from redshift_meta.external_tables x)
    and (pg_catalog.has_table_privilege(c.oid, 'select') or redshift_hidden.pg_has_role(c.relowner, 'usage'));
create or replace view pg_catalog.svv_columns as
select
    c.table_catalog, c.table_schema, c.table_name, c.column_name, c.ordinal_position, c.column_default, c.is_nullable, c.data_type,
    c.character_maximum_length, c.numeric_precision, c.numeric_precision_radix, c.numeric_scale, c.datetime_precision, c.interval_type,
    c.interval_precision, c.character_set_catalog, c.character_set_schema, c.character_set_name, c.collation_catalog, c.collation_schema,
    c.collation_name, c.domain_name, pg_catalog.col_description(r.oid, c.ordinal_position)::varchar as remarks
from information_schema.columns c
left join (pg_catalog.pg_class r join pg_catalog.pg_namespace n on n.oid = r.relnamespace)
    on n.nspname = c.table_schema and r.relname = c.table_name;
create or replace view pg_catalog.svv_tables as
select t.table_catalog, t.table_schema, t.table_name, t.table_type, pg_catalog.obj_description(r.oid)::varchar as remarks
from information_schema.tables t
left join (pg_catalog.pg_class r join pg_catalog.pg_namespace n on n.oid = r.relnamespace)
    on n.nspname = t.table_schema and r.relname = t.table_name;
create or replace view pg_catalog.svv_redshift_tables as
select current_database()::varchar(128) as database_name, n.nspname::varchar(128) as schema_name, c.relname::varchar(128) as table_name,
    case c.relkind when 'v' then 'VIEW' else 'TABLE' end::varchar(128) as table_type, ''::varchar(128) as table_acl,
    pg_catalog.obj_description(c.oid)::varchar(128) as remarks, pg_catalog.pg_get_userbyid(c.relowner)::varchar(128) as table_owner
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v') and (n.oid in (select pg_catalog.redshift_user_schemas()) or n.oid = pg_my_temp_schema())
    and c.oid not in (select x.tbl from redshift_meta.external_tables x);
create or replace view pg_catalog.svv_all_tables as
select database_name, schema_name, table_name, table_acl, table_type, remarks from pg_catalog.svv_redshift_tables
union all
select redshift_database_name, schemaname, tablename, ''::varchar(128), 'EXTERNAL TABLE'::varchar(128), null::varchar(128)
from pg_catalog.svv_external_tables;
create or replace view pg_catalog.svv_all_columns as
select database_name, schema_name, r.table_name, r.column_name, r.ordinal_position, r.column_default, r.is_nullable, r.data_type,
    c.character_maximum_length::int as character_maximum_length, c.numeric_precision::int as numeric_precision,
    c.numeric_scale::int as numeric_scale, r.remarks
from pg_catalog.svv_redshift_columns r
left join information_schema.columns c
    on c.table_schema = r.schema_name and c.table_name = r.table_name and c.column_name = r.column_name
union all
select
    redshift_database_name, schemaname, tablename, columnname, columnnum, null::varchar(4000), 'YES'::varchar(3), external_type::varchar(128),
    null::int, null::int, null::int, null::varchar(256)
from pg_catalog.svv_external_columns;
create or replace view pg_catalog.svv_all_schemas as
select current_database()::varchar(128) as database_name, n.nspname::varchar(128) as schema_name, n.nspowner::int as schema_owner,
    case when e.schema is null then 'local' else 'external' end::varchar(128) as schema_type, ''::varchar(128) as schema_acl,
    coalesce(e.database, '')::varchar(128) as source_database, coalesce(e.options, '')::varchar(128) as schema_option
from pg_catalog.pg_namespace n left join redshift_meta.external_schemas e on e.schema = n.oid
where n.nspname not in ('redshift_meta', 'redshift_hidden') and n.nspname !~ '^pg_(toast|temp)';
create or replace view pg_catalog.svv_redshift_schemas as select * from pg_catalog.svv_all_schemas where schema_type = 'local';
create or replace view pg_catalog.svv_redshift_databases as
select datname::varchar(128) as database_name, datdba::int as database_owner, 'local'::varchar(32) as database_type,
    ''::varchar(128) as database_acl, ''::varchar(128) as database_options,
    case when current_setting('default_transaction_isolation') = 'serializable' then 'Serializable' else 'Snapshot Isolation' end::varchar(128)
        as database_isolation_level
from pg_catalog.pg_database where datname = current_database();
create or replace view pg_catalog.stv_db_isolation_level as
select database_name as db_name, database_isolation_level as isolation_level from pg_catalog.svv_redshift_databases;
-- As the smallest node has them: two slices.
create or replace view pg_catalog.stv_slices as
select 0 as node, n as slice, n as localslice, 'D'::char(1) as type from (values (0), (1)) slices (n);

-- A user can log in; a group or a role cannot.
create or replace view pg_catalog.svv_relation_privileges as
select n.nspname::varchar(128) as namespace_name, c.relname::varchar(128) as relation_name, p.privilege_type::varchar(128) as privilege_type,
    p.grantee::int as identity_id, coalesce(r.rolname, 'public')::varchar(128) as identity_name,
    case when p.grantee = 0 then 'public' when r.rolcanlogin then 'user' else 'role' end::varchar(128) as identity_type,
    p.is_grantable as admin_option
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as p
left join redshift_hidden.pg_roles r on r.oid = p.grantee
where c.relkind in ('r', 'v') and (n.oid in (select pg_catalog.redshift_user_schemas()) or n.oid = pg_my_temp_schema()) and p.privilege_type <> 'MAINTAIN';
create or replace view pg_catalog.svv_schema_privileges as
select n.nspname::varchar(128) as namespace_name, p.privilege_type::varchar(128) as privilege_type, p.grantee::int as identity_id,
    coalesce(r.rolname, 'public')::varchar(128) as identity_name,
    case when p.grantee = 0 then 'public' when r.rolcanlogin then 'user' else 'role' end::varchar(128) as identity_type,
    p.is_grantable as admin_option
from pg_catalog.pg_namespace n
cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as p
left join redshift_hidden.pg_roles r on r.oid = p.grantee
where n.oid in (select pg_catalog.redshift_user_schemas());
create or replace view pg_catalog.svv_user_info as
select rolname::varchar(128) as user_name, oid::int as user_id, rolcreatedb as createdb, rolcreaterole as superuser,
    false as catalog_update, rolconnlimit::varchar as connection_limit
from redshift_hidden.pg_roles where rolcanlogin;
-- Redshift's superuser is, here, whoever may create roles.
create or replace view pg_catalog.pg_user as
select usename, usesysid, usecreatedb, r.rolcreaterole as usesuper, false as usecatupd, passwd, valuntil::timestamp as valuntil, useconfig
from redshift_hidden.pg_user u join redshift_hidden.pg_roles r on r.oid = u.usesysid where r.rolcanlogin and not r.rolsuper;
create or replace view pg_catalog.pg_user_info as
select usename, usesysid, usecreatedb, usesuper, usecatupd, passwd, valuntil, useconfig,
    case when r.rolconnlimit < 0 then 'UNLIMITED' else r.rolconnlimit::text end::text as useconnlimit
from pg_catalog.pg_user u join redshift_hidden.pg_roles r on r.oid = u.usesysid;
create or replace view pg_catalog.svv_roles as
select oid::int as role_id, rolname::text as role_name, null::text as role_owner from redshift_hidden.pg_roles where not rolcanlogin and oid >= 16384;
create or replace view pg_catalog.svv_user_grants as
select m.member::int as user_id, u.rolname::text as user_name, m.roleid::int as role_id, r.rolname::text as role_name, m.admin_option
from redshift_hidden.pg_auth_members m
join redshift_hidden.pg_roles u on u.oid = m.member and u.rolcanlogin
join redshift_hidden.pg_roles r on r.oid = m.roleid and not r.rolcanlogin;
create or replace view pg_catalog.stv_sessions as
select backend_start as starttime, pid as process, usename as user_name, datname as db_name, 0 as timeout_sec
from pg_catalog.pg_stat_activity where backend_type = 'client backend' and usename <> 'rdsdb';
create or replace view pg_catalog.svv_transactions as
select a.usename::text as txn_owner, a.datname::text as txn_db, a.backend_xid::text::bigint as xid, a.pid, a.xact_start as txn_start,
    l.mode as lock_mode, l.locktype as lockable_object_type, l.relation::int as relation, l.granted
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.database = (select oid from pg_catalog.pg_database where datname = current_database()) and a.pid <> pg_catalog.pg_backend_pid();

create or replace view pg_catalog.pg_proc_info as select p.oid as prooid, p.* from pg_catalog.pg_proc p;

do $$
declare
    name text;
begin
    for name in
        select format('%I.%I', c.relnamespace::regnamespace, c.relname) from pg_class c where c.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and c.relkind = 'v' and c.oid >= 16384
    loop
        execute format('grant select on %s to public', name);
    end loop;
end $$;
