-- Materialized views: what the front calls, and what shows them. Sources: "CREATE MATERIALIZED VIEW" and "REFRESH MATERIALIZED VIEW",
-- STV_MV_INFO, SVV_MV_INFO, STV_MV_DEPS, SVV_MV_DEPENDENCY, SVL_MV_REFRESH_STATUS, SYS_MV_REFRESH_HISTORY, STL_MV_STATE, SYS_MV_STATE.
create or replace function redshift_meta.note_mv_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
begin
    insert into redshift_meta.mv_changes select view, tg_op = 'TRUNCATE' from redshift_meta.mv_bases where tbl = tg_relid;
    if tg_op = 'TRUNCATE' then
        insert into redshift_meta.mv_events
        select (select oid::int from pg_roles where rolname = session_user), clock_timestamp() at time zone 'UTC', 'TRUNCATE',
            tg_table_schema, tg_table_name, n.nspname, c.relname, 'Recompute'
        from redshift_meta.mv_bases b join pg_class c on c.oid = b.view join pg_namespace n on n.oid = c.relnamespace where b.tbl = tg_relid;
    end if;
    return null;
end $$;

create or replace function redshift_meta.mv_name(view oid) returns text
language sql stable set search_path = pg_catalog, redshift_hidden as $$
    select relname::text from pg_class where oid = view $$;

create or replace function pg_catalog.redshift_is_mv(name text) returns boolean language sql stable as $$
    select exists (select 1 from redshift_meta.materialized_views where view = redshift_hidden.to_regclass(name)) $$;
create or replace function pg_catalog.redshift_own_mv(name text) returns oid language sql stable as $$
    select pg_catalog.redshift_own(name, pg_catalog.redshift_is_mv(name), 'materialized view', 'a materialized view') $$;

-- ALTER TABLE takes no materialized view: it cannot be renamed, nor can its columns.
create or replace function pg_catalog.redshift_not_mv(name text) returns void language plpgsql stable as $$
begin
    if pg_catalog.redshift_is_mv(name) then
        raise exception '% is a materialized view: use ALTER MATERIALIZED VIEW', name using errcode = '42809';
    end if;
end $$;

create or replace function redshift_meta.mv_is_external(target oid) returns boolean language sql stable as $$
    select exists (select 1 from redshift_meta.mv_bases b join redshift_meta.external_tables x on x.tbl = b.tbl where b.view = target) $$;

create or replace function redshift_meta.check_auto_refresh(target oid) returns void
language plpgsql stable set search_path = pg_catalog, redshift_hidden as $$
begin
    if exists (select 1 from redshift_meta.materialized_views where view = target and mutable) then
        raise exception 'AUTO REFRESH of a materialized view with a mutable function is not supported by Amazon Redshift' using errcode = '0A000';
    elsif exists (select 1 from redshift_meta.mv_bases b join redshift_meta.materialized_views m on m.view = b.tbl where b.view = target) then
        raise exception 'AUTO REFRESH of a materialized view on a materialized view is not supported by Amazon Redshift' using errcode = '0A000';
    elsif redshift_meta.mv_is_external(target) then
        raise exception 'AUTO REFRESH of a materialized view on an external table is not supported by Amazon Redshift' using errcode = '0A000';
    end if;
end $$;

-- What a query cannot read.
create or replace function redshift_meta.check_mv_query(source oid) returns void
language plpgsql stable set search_path = pg_catalog, redshift_hidden as $$
declare
    used record;
begin
    for used in
        select d.refclassid, c.relkind, coalesce(c.relname, p.proname)::text as name, m.view is not null as is_mv,
            coalesce(p.pronamespace not in ('pg_catalog'::regnamespace, 'redshift_hidden'::regnamespace), false) as is_own
        from pg_rewrite r
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refobjid <> source
        left join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
        left join pg_proc p on d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid
        left join redshift_meta.materialized_views m on m.view = d.refobjid
        where r.ev_class = source
    loop
        if used.relkind = 'v' and not used.is_mv then
            raise exception 'The view % in a materialized view is not supported by Amazon Redshift', used.name using errcode = '0A000';
        elsif used.is_own then
            raise exception 'The user-defined function % in a materialized view is not supported by Amazon Redshift', used.name
                using errcode = '0A000';
        end if;
    end loop;
end $$;

-- Ties the parts together: what the query reads is dropped with CASCADE only, and its columns are free; no part is dropped alone.
create or replace function redshift_meta.tie_mv(target oid, stored oid, source oid) returns void
language plpgsql set search_path = pg_catalog, redshift_hidden as $$
begin
    update pg_depend d set refobjsubid = 0 from pg_rewrite r
    where r.ev_class = source and d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
        and d.refobjid <> source;
    delete from pg_depend d using pg_rewrite r
    where r.ev_class = target and d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refobjid = stored;
    insert into pg_depend values
        ('pg_class'::regclass, stored, 0, 'pg_class'::regclass, source, 0, 'i'),
        ('pg_class'::regclass, target, 0, 'pg_class'::regclass, stored, 0, 'i');
end $$;

create or replace function redshift_meta.note_mv_bases(target oid, source oid) returns void
language plpgsql set search_path = pg_catalog, redshift_hidden as $$
declare
    base oid;
begin
    insert into redshift_meta.mv_bases
    select distinct target, c.oid, n.nspname, c.relname
    from pg_rewrite r
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid and c.oid <> source
    join pg_namespace n on n.oid = c.relnamespace
    where r.ev_class = source;
    insert into redshift_meta.mv_columns
    select target, b.tbl, a.attnum, a.attname, a.atttypid, a.atttypmod
    from redshift_meta.mv_bases b join pg_attribute a on a.attrelid = b.tbl and a.attnum > 0 and not a.attisdropped where b.view = target;
    for base in
        select b.tbl from redshift_meta.mv_bases b join pg_class c on c.oid = b.tbl where b.view = target and c.relkind = 'r'
    loop
        execute format('create or replace trigger redshift_mv_changes after insert or update or delete or truncate on %s '
            'for each statement execute function redshift_meta.note_mv_change()', base::regclass);
    end loop;
end $$;

create or replace function pg_catalog.redshift_register_mv(
    target oid, stored oid, source oid, definition text, refreshed boolean, incremental boolean, mutable boolean, rewriting boolean
) returns void language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    part oid;
begin
    foreach part in array array[target, stored, source] loop
        if not pg_has_role(session_user, (select relowner from pg_class where oid = part), 'member') then
            raise exception 'must be owner of relation %', part::regclass using errcode = '42501';
        end if;
    end loop;
    perform redshift_meta.check_mv_query(source);
    perform redshift_meta.tie_mv(target, stored, source);
    insert into redshift_meta.materialized_views
    values (target, stored, source, definition, refreshed, incremental, mutable, rewriting);
    perform redshift_meta.note_mv_bases(target, source);
    update redshift_meta.materialized_views m set autorewrite = false
    where m.view = target and exists (
        select 1 from redshift_meta.mv_bases b join redshift_meta.materialized_views o on o.view = b.tbl where b.view = target
        union all
        select 1 where redshift_meta.mv_is_external(target)
    );
    if refreshed then
        perform redshift_meta.check_auto_refresh(target);
    end if;
end $$;

create or replace function pg_catalog.redshift_auto_refresh(target oid, refreshed boolean) returns void
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of materialized view %', redshift_meta.mv_name(target) using errcode = '42501';
    end if;
    if refreshed then
        perform redshift_meta.check_auto_refresh(target);
    end if;
    update redshift_meta.materialized_views set autorefresh = refreshed where view = target;
end $$;

-- Why it can no longer be refreshed (STV_MV_INFO, column state), and the table that has changed; no row: it can.
create or replace function redshift_meta.mv_obstacle(target oid) returns table (code int, event text, tbl oid)
language sql stable security definer set search_path = pg_catalog, redshift_hidden as $$
    select * from (
        select 101, 'Column was dropped', k.tbl from redshift_meta.mv_columns k
        join pg_attribute a on a.attrelid = k.tbl and a.attnum = k.attnum where k.view = target and a.attisdropped
        union all
        select 102, 'Column type was changed', k.tbl from redshift_meta.mv_columns k
        join pg_attribute a on a.attrelid = k.tbl and a.attnum = k.attnum
        where k.view = target and not a.attisdropped and (a.atttypid, a.atttypmod) is distinct from (k.type, k.typmod)
        union all
        select 103, 'Table was renamed', b.tbl from redshift_meta.mv_bases b
        join pg_class c on c.oid = b.tbl where b.view = target and c.relname <> b.table_name
        union all
        select 104, 'Column was renamed', k.tbl from redshift_meta.mv_columns k
        join pg_attribute a on a.attrelid = k.tbl and a.attnum = k.attnum
        where k.view = target and not a.attisdropped and a.attname <> k.name
        union all
        select 105, 'Schema name was changed', b.tbl from redshift_meta.mv_bases b
        join pg_class c on c.oid = b.tbl join pg_namespace n on n.oid = c.relnamespace where b.view = target and n.nspname <> b.schema_name
    ) as found (code, event, tbl) order by code limit 1 $$;

create or replace function redshift_meta.note_mv_obstacles() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    met record;
begin
    for met in
        select m.view, o.*, c.relname, n.nspname, b.schema_name, b.table_name
        from redshift_meta.materialized_views m
        cross join lateral redshift_meta.mv_obstacle(m.view) o
        join redshift_meta.mv_bases b on b.view = m.view and b.tbl = o.tbl
        join pg_class c on c.oid = m.view
        join pg_namespace n on n.oid = c.relnamespace
        where m.state <> o.code
    loop
        update redshift_meta.materialized_views set state = met.code where view = met.view;
        insert into redshift_meta.mv_events
        select oid::int, clock_timestamp() at time zone 'UTC', met.event, met.schema_name, met.table_name, met.nspname, met.relname,
            'Unrefreshable'
        from pg_roles where rolname = session_user;
    end loop;
end $$;
drop event trigger if exists redshift_mv_obstacles;
create event trigger redshift_mv_obstacles on ddl_command_end when tag in ('ALTER TABLE', 'ALTER SCHEMA')
    execute function redshift_meta.note_mv_obstacles();

create or replace function redshift_meta.forget_mv() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    dropped oid;
begin
    for dropped in select objid from pg_event_trigger_dropped_objects() where object_type = 'view' and objsubid = 0 loop
        delete from redshift_meta.materialized_views where view = dropped;
        delete from redshift_meta.mv_bases where view = dropped;
        delete from redshift_meta.mv_columns where view = dropped;
        delete from redshift_meta.mv_changes where view = dropped;
    end loop;
end $$;
drop event trigger if exists redshift_forget_mv;
create event trigger redshift_forget_mv on sql_drop execute function redshift_meta.forget_mv();

create or replace function redshift_meta.log_mv_refresh(target oid, outcome text, started timestamp) returns void
language sql set search_path = pg_catalog, redshift_hidden as $$
    insert into redshift_meta.mv_refreshes
    select (select oid::int from pg_roles where rolname = session_user), pg_backend_pid(), target, n.nspname, c.relname, outcome, started,
        clock_timestamp() at time zone 'UTC'
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target $$;

-- Refreshes one view with the rights of its owner; tells how (SVL_MV_REFRESH_STATUS, column status).
create or replace function redshift_meta.refresh_mv(target oid) returns text
language plpgsql set search_path = pg_catalog, redshift_hidden as $$
declare
    started timestamp := clock_timestamp() at time zone 'UTC';
    mv redshift_meta.materialized_views := m from redshift_meta.materialized_views m where m.view = target;
    outcome text := 'MV was already updated';
    recompute boolean;
begin
    select bool_or(c.recompute) into recompute from redshift_meta.mv_changes c where c.view = target;
    if recompute is not null or mv.mutable or redshift_meta.mv_is_external(target) then
        delete from redshift_meta.mv_changes where view = target;
        execute format('delete from %s', mv.storage::regclass);
        execute format('insert into %s select * from %s', mv.storage::regclass, mv.query::regclass);
        outcome := case when mv.incremental and recompute is not true then 'Refresh successfully updated MV incrementally'
            else 'Refresh successfully recomputed MV from scratch' end;
        insert into redshift_meta.mv_changes select view, false from redshift_meta.mv_bases where tbl = target;
    end if;
    perform redshift_meta.log_mv_refresh(target, outcome, started);
    return outcome;
end $$;

-- With CASCADE, those that it reads are refreshed before it.
create or replace function pg_catalog.redshift_refresh_mv(target oid, with_bases boolean) returns table (outcome text, waits boolean)
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    next_view oid;
    obstacle record;
begin
    for next_view in
        with recursive needed (view, depth) as (
            select target, 0
            union
            select m.view, n.depth + 1
            from needed n join redshift_meta.mv_bases b on b.view = n.view
            join redshift_meta.materialized_views m on m.view = b.tbl where with_bases
        )
        select view from needed group by view order by max(depth) desc
    loop
        select * into obstacle from redshift_meta.mv_obstacle(next_view);
        if found then
            raise exception 'Materialized view % could not be refreshed: %', redshift_meta.mv_name(next_view), lower(obstacle.event)
                using errcode = '55000', detail = 'Drop and recreate it.';
        elsif not pg_has_role(session_user, (select relowner from pg_class where oid = next_view), 'member') then
            raise exception 'must be owner of materialized view %', redshift_meta.mv_name(next_view) using errcode = '42501';
        end if;
        outcome := redshift_meta.refresh_mv(next_view);
    end loop;
    waits := exists (
        select 1 from redshift_meta.mv_bases b join redshift_meta.mv_changes c on c.view = b.tbl where b.view = target
    );
    return next;
end $$;

create or replace function pg_catalog.redshift_drop_mv(targets oid[], cascading boolean) returns void
language plpgsql set search_path = pg_catalog, redshift_hidden as $$
declare
    queries text := string_agg(m.query::regclass::text, ', ') from redshift_meta.materialized_views m where m.view = any (targets);
begin
    execute format('drop view %s %s', queries, case when cascading then 'cascade' else 'restrict' end);
exception when dependent_objects_still_exist then
    raise exception 'cannot drop materialized view % because other objects depend on it', redshift_meta.mv_name(targets[1])
        using errcode = '2BP01', hint = 'Use DROP ... CASCADE to drop the dependent objects too.';
end $$;

-- Who may use a materialized view's schema sees it.
create or replace view pg_catalog.svv_mv_info as
select
    current_database()::char(128) as database_name, n.nspname::char(128) as schema_name, pg_get_userbyid(c.relowner)::char(128) as user_name,
    c.relname::char(128) as name,
    case when m.mutable or exists (select 1 from redshift_meta.mv_changes g where g.view = m.view) then 't'
        when redshift_meta.mv_is_external(m.view) then 'u' else 'f' end::char(1) as is_stale,
    coalesce((select o.code from redshift_meta.mv_obstacle(m.view) o), m.incremental::int) as state,
    case when m.autorefresh then 't' else 'f' end::char(1) as autorefresh, case when m.autorewrite then 't' else 'f' end::char(1) as autorewrite
from redshift_meta.materialized_views m
join pg_catalog.pg_class c on c.oid = m.view
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where has_schema_privilege(n.oid, 'usage');
create or replace view pg_catalog.stv_mv_info as
select
    database_name as db_name, schema_name as schema, name, 0::bigint as updated_upto_xid, is_stale, user_name as owner_user_name, state,
    autorewrite, autorefresh
from pg_catalog.svv_mv_info;
create or replace view pg_catalog.svv_mv_dependency as
select
    current_database()::char(128) as database_name, n.nspname::char(128) as schema_name, c.relname::char(128) as name,
    current_database()::char(128) as dependent_database_name, b.schema_name::char(128) as dependent_schema_name,
    b.table_name::char(128) as dependent_name
from redshift_meta.mv_bases b
join redshift_meta.materialized_views m on m.view = b.tbl
join pg_catalog.pg_class c on c.oid = b.view
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where has_schema_privilege(n.oid, 'usage');
create or replace view pg_catalog.stv_mv_deps as
select
    database_name as db_name, schema_name as schema, name, dependent_schema_name as ref_schema, dependent_name as ref_name,
    dependent_database_name as ref_database_name
from pg_catalog.svv_mv_dependency;
create or replace view pg_catalog.sys_mv_refresh_history as
select
    userid as user_id, session as session_id, 0::bigint as transaction_id, current_database()::char(128) as database_name,
    schema_name::char(128) as schema_name, view::bigint as mv_id, name::char(128) as mv_name, 'Manual'::char(32) as refresh_type,
    status::varchar as status, start_time, end_time, (redshift_hidden.date_part('epoch', end_time - start_time) * 1000000)::bigint as duration
from redshift_meta.mv_refreshes where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.svl_mv_refresh_status as
select
    database_name as db_name, user_id::bigint as userid, schema_name, mv_name, transaction_id as xid, start_time as starttime,
    end_time as endtime, status, refresh_type
from pg_catalog.sys_mv_refresh_history;
create or replace view pg_catalog.sys_mv_state as
select
    userid::bigint as user_id, 0::bigint as transaction_id, current_database()::char(128) as database_name, event::char(500) as event_desc,
    start_time, current_database()::char(128) as base_table_database_name, table_schema::char(128) as base_table_schema,
    table_name::char(128) as base_table_name, schema_name::char(128) as mv_schema, name::char(128) as mv_name, state::char(32) as state
from redshift_meta.mv_events where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.stl_mv_state as
select
    user_id as userid, start_time as starttime, transaction_id as xid, event_desc, database_name as db_name, base_table_schema,
    base_table_name, mv_schema, mv_name, state
from pg_catalog.sys_mv_state;
grant select on pg_catalog.svv_mv_info, pg_catalog.stv_mv_info, pg_catalog.svv_mv_dependency, pg_catalog.stv_mv_deps,
    pg_catalog.sys_mv_refresh_history, pg_catalog.svl_mv_refresh_status, pg_catalog.sys_mv_state, pg_catalog.stl_mv_state to public;
revoke execute on function redshift_meta.check_auto_refresh, redshift_meta.check_mv_query, redshift_meta.tie_mv, redshift_meta.note_mv_bases,
    redshift_meta.log_mv_refresh, redshift_meta.refresh_mv from public;
