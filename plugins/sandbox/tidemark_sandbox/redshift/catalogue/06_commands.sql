-- What the front calls when it runs a command itself.
create or replace function pg_catalog.redshift_set_attributes(
    target oid, style text, dist text, sort text, keys text[], with_backup boolean, encoded text[], informational text[]
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wanted text;
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', target::regclass using errcode = '42501';
    end if;
    foreach wanted in array array_remove(keys || dist, null) loop
        if not exists (select 1 from pg_attribute where attrelid = target and attname = wanted and attnum > 0 and not attisdropped) then
            raise exception 'column "%" specified as distkey/sortkey is not in the table "%"', wanted, target::regclass using errcode = '42703';
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

-- A late-binding view reads a function whose body is text, so that PostgreSQL does not bind it to tables. Its columns are
-- found by a temporary view; as the superuser, because who reads the view need not have rights on its tables.
-- The casts give the view the lengths that a function's result does not keep.
create or replace function pg_catalog.redshift_view_columns(body text, aliases text[], out columns text, out casts text)
language plpgsql security definer as $$
begin
    execute 'create temporary view redshift_probe as ' || body;
    select string_agg(format('%I %s', coalesce(aliases[attnum], attname), format_type(atttypid, atttypmod)), ', ' order by attnum),
        string_agg(format('%I::%s', coalesce(aliases[attnum], attname), format_type(atttypid, atttypmod)), ', ' order by attnum)
    into columns, casts from pg_attribute where attrelid = 'pg_temp.redshift_probe'::regclass and attnum > 0;
    drop view pg_temp.redshift_probe;
end $$;

create or replace function pg_catalog.redshift_bind_view(name text, body text, columns text, casts text, function_name text, verb text) returns void
language plpgsql as $$
begin
    if columns = '' then
        execute format('%s view %s as select', verb, name);
    else
        execute format('create function %s() returns table (%s) stable security definer language sql as %L', function_name, columns, body);
        execute format('%s view %s as select %s from %s()', verb, name, casts, function_name);
    end if;
end $$;

create or replace function pg_catalog.redshift_remember_view(name text, body text, aliases text[], columns text, function_name text)
returns void language plpgsql security definer as $$
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = name::regclass), 'member') then
        raise exception 'must be owner of view %', name using errcode = '42501';
    end if;
    insert into redshift_meta.late_binding_views values (name::regclass, body, aliases, columns, function_name);
end $$;

create or replace function pg_catalog.redshift_create_view(name text, body text, aliases text[], replace_old boolean) returns void
language plpgsql as $$
declare
    columns text := '';
    casts text := '';
    function_name text := 'redshift_meta.' || quote_ident('view_' || md5(name || clock_timestamp()::text || random()::text));
    old oid := to_regclass(name);
begin
    if old is not null and not replace_old then
        raise exception 'relation "%" already exists', name using errcode = '42P07';
    end if;
    begin
        select f.columns, f.casts into columns, casts from pg_catalog.redshift_view_columns(body, aliases) f;
    exception when undefined_table or undefined_column or invalid_schema_name then
        null;
    end;
    if old is not null then
        execute 'drop view ' || name;
    end if;
    -- The check of a function's body would look for the tables.
    perform set_config('check_function_bodies', 'off', true);
    perform pg_catalog.redshift_bind_view(name, body, columns, casts, function_name, 'create');
    perform pg_catalog.redshift_remember_view(name, body, aliases, columns, function_name);
end $$;

-- Called before a statement that names such views: it fails as the view would in Redshift, or brings its columns up to date.
create or replace function pg_catalog.redshift_refresh_views(names text[]) returns void
language plpgsql security definer as $$
declare
    old record;
    found text;
    casts text;
    function_name text;
begin
    for old in
        select l.*, format('%I.%I', n.nspname, c.relname) as name, c.relowner, c.relacl
        from redshift_meta.late_binding_views l
        join pg_class c on c.oid = l.view
        join pg_namespace n on n.oid = c.relnamespace
        where c.relname::text = any (names)
    loop
        select f.columns, f.casts into found, casts from pg_catalog.redshift_view_columns(old.body, old.aliases) f;
        continue when found = old.columns;
        function_name := 'redshift_meta.' || quote_ident('view_' || md5(old.name || clock_timestamp()::text || random()::text));
        begin
            perform pg_catalog.redshift_bind_view(old.name, old.body, found, casts, function_name, 'create or replace');
            update redshift_meta.late_binding_views l set columns = found, function = function_name where l.view = old.view;
        exception when invalid_table_definition then
            execute 'drop view ' || old.name;
            perform pg_catalog.redshift_bind_view(old.name, old.body, found, casts, function_name, 'create');
            execute format('alter view %s owner to %I', old.name, pg_get_userbyid(old.relowner));
            update pg_class set relacl = old.relacl where oid = old.name::regclass;
            insert into redshift_meta.late_binding_views values (old.name::regclass, old.body, old.aliases, found, function_name);
        end;
        execute format('alter function %s() owner to %I', function_name, pg_get_userbyid(old.relowner));
    end loop;
end $$;

create or replace function pg_catalog.pg_get_late_binding_view_cols() returns setof record language sql stable as $$
    select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)::varchar, a.attnum::int
    from redshift_meta.late_binding_views l
    join pg_catalog.pg_class c on c.oid = l.view
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 $$;

-- A late-binding view has no columns in Redshift's catalogue: the front puts these in the place of PostgreSQL's.
create or replace view pg_catalog.redshift_attribute as
select a.* from pg_catalog.pg_attribute a where a.attrelid not in (select l.view from redshift_meta.late_binding_views l);
create or replace view information_schema.redshift_columns as
select c.* from information_schema.columns c
where not exists (
    select 1 from redshift_meta.late_binding_views l
    join pg_catalog.pg_class k on k.oid = l.view
    join pg_catalog.pg_namespace n on n.oid = k.relnamespace
    where n.nspname = c.table_schema and k.relname = c.table_name
);
grant select on pg_catalog.redshift_attribute, information_schema.redshift_columns to public;
