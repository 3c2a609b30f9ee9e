-- External schemas and tables: nothing is connected, an external table is a table without rows. Sources: "CREATE EXTERNAL SCHEMA",
-- "CREATE EXTERNAL TABLE", SVV_EXTERNAL_SCHEMAS, SVV_EXTERNAL_DATABASES, SVV_EXTERNAL_TABLES, SVV_EXTERNAL_COLUMNS,
-- SVV_EXTERNAL_PARTITIONS, PG_EXTERNAL_SCHEMA.
create table if not exists redshift_meta.external_schemas (
    schema oid primary key, kind smallint not null, database text not null, options text not null
);
create table if not exists redshift_meta.external_tables (
    tbl oid primary key, partitioned_by text[] not null, location text not null, input_format text not null, output_format text not null,
    serde text not null, serde_parameters text not null, parameters text not null
);
create table if not exists redshift_meta.external_partitions (
    tbl oid, part_values text, location text not null, primary key (tbl, part_values)
);
grant select on redshift_meta.external_schemas, redshift_meta.external_tables, redshift_meta.external_partitions to public;

create or replace function pg_catalog.redshift_register_external_schema(target oid, kind int, database text, options text) returns void
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
begin
    if not pg_has_role(session_user, (select nspowner from pg_namespace where oid = target), 'member') then
        raise exception 'must be owner of schema %', target::regnamespace using errcode = '42501';
    end if;
    insert into redshift_meta.external_schemas values (target, kind, database, options);
end $$;

create or replace function redshift_meta.refuse_external_write() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        raise exception 'INSERT into an external table is not supported by the local Redshift stand-in (Redshift has it)' using errcode = '0A000';
    end if;
    raise exception '% of an external table is not supported by Amazon Redshift', tg_op using errcode = '0A000';
end $$;

create or replace function pg_catalog.redshift_check_external_schema(name text) returns void
language plpgsql stable set search_path = pg_catalog, redshift_hidden as $$
begin
    if not exists (select 1 from redshift_meta.external_schemas where schema = to_regnamespace(name)) then
        raise exception 'External tables must be created in an external schema: % is none', name using errcode = '0A000';
    end if;
end $$;

-- Who may use the schema reads its tables, and it is dropped with them: they stay in the catalogue that it refers to.
create or replace function pg_catalog.redshift_register_external_table(
    target oid, partitioned text[], location text, input_format text, output_format text, serde text, serde_parameters text, parameters text
) returns void language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', target::regclass using errcode = '42501';
    end if;
    insert into redshift_meta.external_tables
    values (target, partitioned, location, input_format, output_format, serde, serde_parameters, parameters);
    execute format('create trigger redshift_external before insert or update or delete or truncate on %s for each statement '
        'execute function redshift_meta.refuse_external_write()', target::regclass);
    execute format('grant select on %s to public', target::regclass);
    update pg_depend set deptype = 'a'
    where classid = 'pg_class'::regclass and objid = target and refclassid = 'pg_namespace'::regclass;
end $$;

-- The number of an existing relation that the user owns, and that is of a kind.
create or replace function pg_catalog.redshift_own(name text, is_of_kind boolean, noun text, kind text) returns oid
language plpgsql stable as $$
declare
    target oid := redshift_hidden.to_regclass(name);
begin
    if target is null then
        raise exception '% % does not exist', noun, name using errcode = '42P01';
    elsif not is_of_kind then
        raise exception '% is not %', name, kind using errcode = '42809';
    elsif not redshift_hidden.pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of % %', noun, name using errcode = '42501';
    end if;
    return target;
end $$;
create or replace function pg_catalog.redshift_is_external(name text) returns boolean language sql stable as $$
    select exists (select 1 from redshift_meta.external_tables where tbl = redshift_hidden.to_regclass(name)) $$;
create or replace function pg_catalog.redshift_own_external_table(name text) returns oid language sql stable as $$
    select pg_catalog.redshift_own(name, pg_catalog.redshift_is_external(name), 'relation', 'an external table') $$;

create or replace function pg_catalog.redshift_alter_external_table(
    target oid, new_location text, new_input text, new_output text, new_serde text, new_parameters text
) returns void language sql security definer set search_path = pg_catalog, redshift_hidden as $$
    update redshift_meta.external_tables set location = coalesce(new_location, location), input_format = coalesce(new_input, input_format),
        output_format = coalesce(new_output, output_format), serde = coalesce(new_serde, serde),
        parameters = case when new_parameters is null then parameters else (
            select '{' || string_agg(to_json(p.key)::text || ':' || to_json(p.value)::text, ',' order by p.key) || '}'
            from jsonb_each_text(parameters::jsonb || new_parameters::jsonb) p
        ) end
    where tbl = target and pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') $$;

create or replace function pg_catalog.redshift_external_partition(
    target oid, action text, columns text[], part_values text[], new_location text, if_not_exists boolean
) returns void language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    ordered text;
    wanted text[] := (select partitioned_by from redshift_meta.external_tables where tbl = target);
    there boolean;
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', target::regclass using errcode = '42501';
    elsif (select array_agg(c order by c) from unnest(columns) c) is distinct from (select array_agg(c order by c) from unnest(wanted) c) then
        raise exception 'The partition must name the partition columns of %', target::regclass using errcode = '42703';
    end if;
    select array_to_json(array_agg(part_values[array_position(columns, w.name)] order by w.at))::text into ordered
    from unnest(wanted) with ordinality as w (name, at);
    there := exists (select 1 from redshift_meta.external_partitions p where p.tbl = target and p.part_values = ordered);
    if action = 'add' and not there then
        insert into redshift_meta.external_partitions values (target, ordered, new_location);
    elsif action = 'add' and not if_not_exists then
        raise exception 'The partition % already exists', ordered using errcode = '42710';
    elsif action <> 'add' and not there then
        raise exception 'The partition % does not exist', ordered using errcode = '42704';
    elsif action = 'drop' then
        delete from redshift_meta.external_partitions p where p.tbl = target and p.part_values = ordered;
    elsif action = 'set' then
        update redshift_meta.external_partitions p set location = new_location where p.tbl = target and p.part_values = ordered;
    end if;
end $$;

-- A view on an external table binds late.
create or replace function pg_catalog.redshift_check_view(view oid) returns void
language plpgsql stable set search_path = pg_catalog, redshift_hidden as $$
begin
    if exists (
        select 1 from pg_rewrite r
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
        join redshift_meta.external_tables e on e.tbl = d.refobjid where r.ev_class = view
    ) then
        raise exception 'A view on an external table must be created WITH NO SCHEMA BINDING' using errcode = '0A000';
    end if;
end $$;

create or replace function redshift_meta.forget_external() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    dropped record;
begin
    for dropped in select objid, object_type from pg_event_trigger_dropped_objects() where object_type in ('table', 'schema') and objsubid = 0 loop
        delete from redshift_meta.external_schemas where schema = dropped.objid and dropped.object_type = 'schema';
        delete from redshift_meta.external_tables where tbl = dropped.objid and dropped.object_type = 'table';
        delete from redshift_meta.external_partitions where tbl = dropped.objid and dropped.object_type = 'table';
    end loop;
end $$;
drop event trigger if exists redshift_forget_external;
create event trigger redshift_forget_external on sql_drop execute function redshift_meta.forget_external();

create or replace view pg_catalog.pg_external_schema as
select schema as esoid, kind as eskind, database as esdbname, options as esoptions from redshift_meta.external_schemas;
create or replace view pg_catalog.svv_external_schemas as
select e.schema as esoid, e.kind as eskind, n.nspname as schemaname, n.nspowner::int as esowner, e.database as databasename, e.options as esoptions
from redshift_meta.external_schemas e join pg_catalog.pg_namespace n on n.oid = e.schema;
create or replace view pg_catalog.svv_external_databases as
select distinct kind::int as eskind, database as databasename, options as esoptions from redshift_meta.external_schemas;
create or replace view pg_catalog.redshift_external_tables as
select
    c.oid, e.partitioned_by, current_database()::varchar(128) as redshift_database_name, n.nspname::varchar(128) as schemaname,
    c.relname::varchar(128) as tablename, 'TABLE'::varchar as tabletype, rtrim(e.location, '/')::varchar as location,
    e.input_format::varchar as input_format, e.output_format::varchar as output_format, e.serde::varchar as serialization_lib,
    e.serde_parameters::varchar as serde_parameters, 0 as compressed, e.parameters::varchar as parameters
from redshift_meta.external_tables e
join pg_catalog.pg_class c on c.oid = e.tbl
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where has_schema_privilege(n.oid, 'usage');
create or replace view pg_catalog.svv_external_tables as
select
    redshift_database_name, schemaname, tablename, tabletype, location, input_format, output_format, serialization_lib, serde_parameters,
    compressed, parameters
from pg_catalog.redshift_external_tables;
create or replace view pg_catalog.svv_external_columns as
select
    t.redshift_database_name, t.schemaname, t.tablename, a.attname::varchar(128) as columnname,
    case a.atttypid when 21 then 'smallint' when 23 then 'int' when 20 then 'bigint' when 700 then 'float' when 701 then 'double'
        when 16 then 'boolean' when 1114 then 'timestamp' when 6551 then 'binary'
        else replace(replace(replace(format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'), 'character', 'char'), 'numeric',
            'decimal') end::varchar as external_type,
    row_number() over (partition by a.attrelid order by coalesce(array_position(t.partitioned_by, a.attname::text), 0), a.attnum)::int as columnnum,
    coalesce(array_position(t.partitioned_by, a.attname::text), 0)::int as part_key, ''::varchar as is_nullable
from pg_catalog.redshift_external_tables t
join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped;
create or replace view pg_catalog.svv_external_partitions as
select
    t.schemaname, t.tablename, p.part_values::varchar as "values", rtrim(p.location, '/')::varchar as location, t.input_format, t.output_format,
    t.serialization_lib, t.serde_parameters, t.compressed, t.parameters
from pg_catalog.redshift_external_tables t join redshift_meta.external_partitions p on p.tbl = t.oid;
grant select on pg_catalog.pg_external_schema, pg_catalog.svv_external_schemas, pg_catalog.svv_external_databases,
    pg_catalog.svv_external_tables, pg_catalog.svv_external_columns, pg_catalog.svv_external_partitions to public;
