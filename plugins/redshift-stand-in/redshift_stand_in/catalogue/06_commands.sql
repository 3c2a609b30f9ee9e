-- Functions that the front calls when it runs a command itself.
create or replace function pg_catalog.redshift_set_attributes(
    target oid, style text, dist text, sort text, keys text[], with_backup boolean, encoded text[]
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wanted text;
begin
    if not redshift_hidden.pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', target::regclass using errcode = '42501';
    end if;
    foreach wanted in array redshift_hidden.array_remove(redshift_hidden.array_append(keys, dist), null) loop
        if not exists (select 1 from pg_attribute where attrelid = target and attname = wanted and attnum > 0 and not attisdropped) then
            raise exception 'column "%" specified as distkey/sortkey is not in the table "%"', wanted, target::regclass using errcode = '42703';
        end if;
        if exists (select 1 from pg_attribute where attrelid = target and attname = wanted and atttypid in (4000, 6551)) then
            raise exception 'column "%" of type super or varbyte cannot be a distribution or sort key', wanted using errcode = '0A000';
        end if;
    end loop;
    if exists (
        select 1 from pg_attrdef d join pg_depend p on p.classid = 'pg_attrdef'::regclass and p.objid = d.oid
        join pg_proc f on p.refclassid = 'pg_proc'::regclass and f.oid = p.refobjid
        where d.adrelid = target and f.pronamespace <> (select oid from pg_namespace where nspname = 'pg_catalog')
    ) then
        raise exception 'a default cannot call a user-defined function' using errcode = '0A000';
    end if;
    insert into redshift_meta.table_attributes as t (tbl, diststyle, distkey, sorttype, sortkeys, backup)
    values (target, style, dist, sort, keys, with_backup)
    on conflict (tbl) do update set
        diststyle = coalesce(excluded.diststyle, t.diststyle),
        distkey = case when excluded.diststyle is null then t.distkey else excluded.distkey end,
        sorttype = coalesce(excluded.sorttype, t.sorttype),
        sortkeys = case when excluded.sorttype is null then t.sortkeys else excluded.sortkeys end;
    for i in 1 .. redshift_hidden.cardinality(encoded) / 2 loop
        insert into redshift_meta.encodings values (target, encoded[2 * i - 1], encoded[2 * i])
        on conflict (tbl, col) do update set encoding = excluded.encoding;
    end loop;
end $$;

-- CREATE TABLE … LIKE: "Performing a deep copy".
create or replace function pg_catalog.redshift_inherit(target oid, parent oid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not redshift_hidden.pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', target::regclass using errcode = '42501';
    end if;
    update redshift_meta.table_attributes t
    set diststyle = p.diststyle, distkey = p.distkey, sorttype = p.sorttype, sortkeys = p.sortkeys, backup = p.backup
    from redshift_meta.table_attributes p where t.tbl = target and p.tbl = parent;
    insert into redshift_meta.encodings select target, col, encoding from redshift_meta.encodings where tbl = parent;
end $$;

create or replace function redshift_meta.forget() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    dropped record;
begin
    for dropped in
        select * from redshift_hidden.pg_event_trigger_dropped_objects()
        where object_type in ('table', 'view', 'table constraint') and objsubid = 0
    loop
        delete from redshift_meta.table_attributes where tbl = dropped.objid;
        delete from redshift_meta.encodings where tbl = dropped.objid;
        delete from redshift_meta.keys where tbl = dropped.objid or (
            dropped.object_type = 'table constraint' and name = dropped.address_names[3]
            and tbl = redshift_hidden.to_regclass(redshift_hidden.format('%I.%I', dropped.address_names[1], dropped.address_names[2]))
        );
        delete from redshift_meta.late_binding_views where view = dropped.objid;
    end loop;
end $$;
drop event trigger if exists redshift_forget;
create event trigger redshift_forget on sql_drop execute function redshift_meta.forget();

-- A late-binding view is a PostgreSQL view whose dependencies on its tables are removed, so that these can be dropped and recreated
-- under it. What it was bound to is recorded, and compared before each read with what its text means now.
-- A temporary view resolves the text, as the superuser: whoever reads the view need not have rights on its tables.
create or replace function pg_catalog.redshift_view_sources(body text) returns text
language plpgsql security definer as $$
declare
    sources text;
begin
    execute 'create temporary view redshift_probe as ' || body;
    select coalesce(redshift_hidden.string_agg(
        redshift_hidden.format('%s.%s %s %s %s', d.refobjid, d.refobjsubid, a.attname, a.atttypid, a.atttypmod), ', '
        order by d.refobjid, d.refobjsubid
    ), 'no table') into sources
    from pg_rewrite r
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where r.ev_class = 'pg_temp.redshift_probe'::regclass and d.refobjid <> r.ev_class;
    drop view pg_temp.redshift_probe;
    return sources;
end $$;

-- Without sources, the view has no columns until it is read while its tables exist.
create or replace function pg_catalog.redshift_bind_view(name text, body text, aliases text[], sources text, verb text) returns void
language plpgsql as $$
begin
    execute redshift_hidden.format(
        '%s view %s%s as %s', verb, name,
        case when sources <> '' and redshift_hidden.cardinality(aliases) > 0
            then (select '(' || redshift_hidden.string_agg(quote_ident(alias), ', ' order by at) || ')' from redshift_hidden.unnest(aliases) with ordinality as u (alias, at)) end,
        case when sources = '' then 'select' else body end
    );
end $$;

create or replace function redshift_meta.remember_view(name text, body text, aliases text[], sources text) returns void
language plpgsql as $$
begin
    delete from pg_depend d using pg_rewrite r
    where r.ev_class = name::regclass and d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class;
    insert into redshift_meta.late_binding_views as l values (name::regclass, body, aliases, sources)
    on conflict (view) do update set sources = excluded.sources;
exception when serialization_failure then
    null;  -- another reader has just bound it to the same tables
end $$;
revoke execute on function redshift_meta.remember_view from public;

create or replace function pg_catalog.redshift_remember_view(name text, body text, aliases text[], sources text, statement text)
returns void language plpgsql security definer as $$
begin
    if not redshift_hidden.pg_has_role(session_user, (select relowner from pg_class where oid = name::regclass), 'member') then
        raise exception 'must be owner of view %', name using errcode = '42501';
    end if;
    perform redshift_meta.remember_view(name, body, aliases, sources);
    update redshift_meta.late_binding_views set definition = statement where view = name::regclass;
end $$;

create or replace function pg_catalog.redshift_create_view(
    name text, body text, aliases text[], replace_old boolean, statement text
) returns void language plpgsql as $$
declare
    sources text := '';
    old oid := redshift_hidden.to_regclass(name);
begin
    if old is not null and not replace_old then
        raise exception 'relation "%" already exists', name using errcode = '42P07';
    end if;
    begin
        sources := pg_catalog.redshift_view_sources(body);
    exception when undefined_table or undefined_column or invalid_schema_name then
        null;
    end;
    if old is not null then
        execute 'drop view ' || name;
    end if;
    perform pg_catalog.redshift_bind_view(name, body, aliases, sources, 'create');
    perform pg_catalog.redshift_remember_view(name, body, aliases, sources, statement);
end $$;

-- Called before a statement that names such views: fails as the view would in Redshift, or binds them to the tables that exist
-- now, beginning with those that other views read.
create or replace function pg_catalog.redshift_refresh_views(names text[]) returns void
language plpgsql security definer as $$
declare
    old record;
    now_sources text;
    broken oid;
    reason text;
begin
    -- What follows takes ten times as long, and almost no statement names such a view.
    if not exists (
        select from redshift_meta.late_binding_views l
        where (select c.relname from pg_class c where c.oid = l.view)::text = any (names)
    ) then
        return;
    end if;
    for old in
        with recursive named (view, body, depth) as (
            select l.view, l.body, 0
            from redshift_meta.late_binding_views l
            join pg_class c on c.oid = l.view
            where c.relname::text = any (names)
            union
            select l.view, l.body, n.depth + 1
            from named n
            join redshift_meta.late_binding_views l on l.view <> n.view
            join pg_class c on c.oid = l.view
            where n.depth < 32 and strpos(lower(n.body), lower(c.relname)) > 0
        ),
        ordered as (select view, max(depth) as depth, min(depth) = 0 as is_named from named group by view)
        select l.*, o.is_named, redshift_hidden.format('%I.%I', n.nspname, c.relname) as name, c.relowner, c.relacl
        from ordered o
        join redshift_meta.late_binding_views l on l.view = o.view
        join pg_class c on c.oid = l.view
        join pg_namespace n on n.oid = c.relnamespace
        order by o.depth desc
    loop
        begin
            now_sources := pg_catalog.redshift_view_sources(old.body);
        exception when undefined_table or undefined_column or invalid_schema_name then
            if old.is_named then
                raise;
            end if;
            -- In the text of the view that led here, the name may mean something else.
            broken := old.view;
            reason := sqlerrm;
            continue;
        end;
        if strpos(' ' || now_sources, ' ' || broken::text || '.') > 0 then
            raise exception '%', reason using errcode = '42P01';
        end if;
        continue when now_sources = old.sources;
        begin
            perform pg_catalog.redshift_bind_view(old.name, old.body, old.aliases, now_sources, 'create or replace');
        exception when invalid_table_definition then
            execute 'drop view ' || old.name;
            perform pg_catalog.redshift_bind_view(old.name, old.body, old.aliases, now_sources, 'create');
            execute redshift_hidden.format('alter view %s owner to %I', old.name, pg_get_userbyid(old.relowner));
            update pg_class set relacl = old.relacl where oid = old.name::regclass;
        end;
        -- The first reader need not be its owner.
        perform redshift_meta.remember_view(old.name, old.body, old.aliases, now_sources);
    end loop;
end $$;

create or replace function pg_catalog.pg_get_late_binding_view_cols() returns setof record language sql stable as $$
    select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)::varchar, a.attnum::int
    from redshift_meta.late_binding_views l
    join pg_catalog.pg_class c on c.oid = l.view
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 $$;

-- Redshift's superuser is, here, whoever may create roles.
create or replace function pg_catalog.has_assumerole_privilege(who text, iam_role_arn text, cmd_type text)
returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    is_superuser boolean := (select rolcreaterole from redshift_hidden.pg_roles where rolname = session_user);
begin
    if who <> session_user and not is_superuser then
        raise exception 'permission denied to see the privileges of user %', who using errcode = '42501';
    end if;
    return (select rolcreaterole from redshift_hidden.pg_roles where rolname = who) or exists (
        select 1 from redshift_meta.assumerole a left join redshift_hidden.pg_roles r on r.rolname = a.grantee
        where a.command = upper(cmd_type) and a.role in ('*', iam_role_arn)
            and (a.grantee = 'public' or redshift_hidden.pg_has_role(who::name, r.oid, 'member'))
    );
end $$;
create or replace function pg_catalog.has_assumerole_privilege(iam_role_arn text, cmd_type text)
returns boolean language sql stable as $$ select pg_catalog.has_assumerole_privilege(current_user::text, $1, $2) $$;

create or replace function pg_catalog.redshift_assumerole(granted boolean, roles text[], grantees text[], commands text[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    missing text;
begin
    if not (select rolcreaterole from redshift_hidden.pg_roles where rolname = session_user) then
        raise exception 'must be superuser to grant or revoke ASSUMEROLE' using errcode = '42501';
    end if;
    select g into missing from redshift_hidden.unnest(grantees) g
    where g <> 'public' and not exists (select 1 from redshift_hidden.pg_roles where rolname = g) limit 1;
    if missing is not null then
        raise exception 'user "%" does not exist', missing using errcode = '42704';
    end if;
    if granted then
        insert into redshift_meta.assumerole
        select g, r, c from redshift_hidden.unnest(grantees) g, redshift_hidden.unnest(roles) r, redshift_hidden.unnest(commands) c on conflict do nothing;
    else
        delete from redshift_meta.assumerole
        where grantee = any(grantees) and command = any(commands) and ('*' = any(roles) or role = any(roles));
    end if;
end $$;
