-- What the front calls when it runs a command itself.
create or replace function pg_catalog.redshift_set_attributes(
    name text, style text, dist text, sort text, keys text[], with_backup boolean, encoded text[], informational text[]
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    target oid := name::regclass;
    wanted text;
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', name using errcode = '42501';
    end if;
    foreach wanted in array array_remove(keys || dist, null) loop
        if not exists (select 1 from pg_attribute where attrelid = target and attname = wanted and attnum > 0 and not attisdropped) then
            raise exception 'column "%" specified as distkey/sortkey is not in the table "%"', wanted, name using errcode = '42703';
        end if;
    end loop;
    insert into redshift_meta.table_attributes as t (tbl, diststyle, distkey, sorttype, sortkeys, backup)
    values (target, style, dist, sort, keys, with_backup)
    on conflict (tbl) do update set
        diststyle = coalesce(excluded.diststyle, t.diststyle),
        distkey = case when excluded.diststyle is null then t.distkey else excluded.distkey end,
        sorttype = coalesce(excluded.sorttype, t.sorttype),
        sortkeys = case when excluded.sorttype is null then t.sortkeys else excluded.sortkeys end;
    for i in 1 .. cardinality(encoded) / 2 loop
        insert into redshift_meta.encodings values (target, encoded[2 * i - 1], encoded[2 * i])
        on conflict (tbl, col) do update set encoding = excluded.encoding;
    end loop;
    for i in 1 .. cardinality(informational) / 3 loop
        if informational[3 * i - 2] = '-' then
            delete from redshift_meta.constraints where tbl = target;
        else
            insert into redshift_meta.constraints
            values (target, informational[3 * i - 2]::"char", string_to_array(informational[3 * i - 1], ','), informational[3 * i]);
        end if;
    end loop;
end $$;

create or replace function redshift_meta.forget() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    dropped record;
begin
    for dropped in select objid from pg_event_trigger_dropped_objects() where object_type in ('table', 'view') and objsubid = 0 loop
        delete from redshift_meta.table_attributes where tbl = dropped.objid;
        delete from redshift_meta.encodings where tbl = dropped.objid;
        delete from redshift_meta.constraints where tbl = dropped.objid;
        delete from redshift_meta.late_binding_views where view = dropped.objid;
    end loop;
end $$;
drop event trigger if exists redshift_forget;
create event trigger redshift_forget on sql_drop execute function redshift_meta.forget();

-- A late-binding view reads a function whose body is text, so that PostgreSQL does not bind it to tables.
create or replace function pg_catalog.redshift_view_columns(body text, aliases text[]) returns text
language plpgsql as $$
declare
    columns text;
begin
    execute 'create temporary view redshift_probe as ' || body;
    select string_agg(quote_ident(coalesce(aliases[attnum], attname)) || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum)
    into columns from pg_attribute where attrelid = 'pg_temp.redshift_probe'::regclass and attnum > 0;
    drop view pg_temp.redshift_probe;
    return columns;
end $$;

create or replace function pg_catalog.redshift_create_view(name text, body text, aliases text[], replace_old boolean) returns void
language plpgsql as $$
declare
    columns text;
    function_name text := 'redshift_meta.' || quote_ident('view_' || md5(name || clock_timestamp()::text || random()::text));
    old oid := to_regclass(name);
begin
    if old is not null and not replace_old then
        raise exception 'relation "%" already exists', name using errcode = '42P07';
    end if;
    begin
        columns := pg_catalog.redshift_view_columns(body, aliases);
    exception when undefined_table or undefined_column or invalid_schema_name or insufficient_privilege then
        columns := '';
    end;
    if old is not null then
        execute 'drop view ' || name;
    end if;
    perform pg_catalog.redshift_bind_view(name, body, columns, function_name, 'create view');
    insert into redshift_meta.late_binding_views values (name::regclass, body, aliases, columns, function_name);
end $$;

create or replace function pg_catalog.redshift_bind_view(name text, body text, columns text, function_name text, verb text) returns void
language plpgsql as $$
begin
    if columns = '' then
        execute format('%s %s as select', verb, name);
    else
        execute format('create function %s() returns table (%s) stable security definer language sql as %L', function_name, columns, body);
        execute format('%s %s as select * from %s()', verb, name, function_name);
    end if;
end $$;

create or replace function pg_catalog.redshift_refresh_views(names text[]) returns void
language plpgsql as $$
begin
    return;
end $$;

create or replace function pg_catalog.pg_get_late_binding_view_cols() returns setof record language sql stable as $$
    select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)::varchar, a.attnum::int
    from redshift_meta.late_binding_views l
    join pg_catalog.pg_class c on c.oid = l.view
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 $$;
grant insert, update, delete on redshift_meta.late_binding_views to public;
