-- What the SHOW commands answer.
create or replace function pg_catalog.redshift_show_tables(name text) returns table (
    database_name varchar, schema_name varchar, table_name varchar, table_type varchar, table_acl varchar, remarks varchar, owner varchar,
    last_altered_time timestamp, last_modified_time timestamp, dist_style varchar, table_subtype varchar
) language sql stable as $$
    select current_database()::varchar, n.nspname::varchar, c.relname::varchar,
        case when x.tbl is not null then 'EXTERNAL TABLE' when c.relkind = 'v' then 'VIEW' else 'TABLE' end::varchar,
        c.relacl::varchar, pg_catalog.obj_description(c.oid)::varchar, pg_catalog.pg_get_userbyid(c.relowner)::varchar, null::timestamp,
        pg_catalog.redshift_last_modified(c.oid), upper(coalesce(a.diststyle, 'auto'))::varchar,
        case when l.view is not null then 'LATE BINDING VIEW' when m.view is not null then 'MATERIALIZED VIEW'
            when x.tbl is not null then 'EXTERNAL TABLE' when c.relkind = 'v' then 'REGULAR VIEW' else 'REGULAR TABLE' end::varchar
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join redshift_meta.late_binding_views l on l.view = c.oid
    left join redshift_meta.materialized_views m on m.view = c.oid
    left join redshift_meta.external_tables x on x.tbl = c.oid
    left join redshift_meta.table_attributes a on a.tbl = c.oid
    where c.relkind in ('r', 'v') and n.nspname = name and c.oid not in (select storage from redshift_meta.materialized_views)
    order by c.relname $$;
create or replace function pg_catalog.redshift_show_schemas() returns table (
    database_name varchar, schema_name varchar, schema_owner int, schema_type varchar, schema_acl varchar, source_database varchar,
    schema_option varchar
) language sql stable as $$ select * from pg_catalog.svv_all_schemas order by 2 $$;
create or replace function pg_catalog.redshift_show_databases() returns setof pg_catalog.svv_redshift_databases
language sql stable as $$ select * from pg_catalog.svv_redshift_databases $$;
create or replace function pg_catalog.redshift_show_columns(schema text, name text) returns table (
    database_name varchar, schema_name varchar, table_name varchar, column_name varchar, ordinal_position int, column_default varchar,
    is_nullable varchar, data_type varchar, character_maximum_length int, numeric_precision int, numeric_scale int, remarks varchar
) language sql stable as $$
    select c.table_catalog::varchar, c.table_schema::varchar, c.table_name::varchar, c.column_name::varchar, c.ordinal_position::int,
        c.column_default::varchar, c.is_nullable::varchar, c.data_type::varchar, c.character_maximum_length::int, c.numeric_precision::int,
        c.numeric_scale::int,
        pg_catalog.col_description((quote_ident(c.table_schema) || '.' || quote_ident(c.table_name))::regclass, c.ordinal_position)::varchar
    from information_schema.columns c
    where c.table_schema = schema and c.table_name = name
    order by c.ordinal_position $$;
create or replace function pg_catalog.redshift_show_grants(schema text, name text) returns table (
    database_name varchar, schema_name varchar, object_name varchar, object_type varchar, privilege_type varchar, identity_id int,
    identity_name varchar, identity_type varchar, admin_option boolean, privilege_scope varchar
) language sql stable as $$
    select current_database()::varchar, namespace_name, relation_name, 'TABLE'::varchar, privilege_type, identity_id, identity_name,
        identity_type, admin_option, 'TABLE'::varchar
    from pg_catalog.svv_relation_privileges where namespace_name = schema and relation_name = name $$;
