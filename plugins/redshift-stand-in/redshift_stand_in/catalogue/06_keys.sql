-- PRIMARY KEY, UNIQUE and FOREIGN KEY. Source: "CREATE TABLE" and "ALTER TABLE" in the Developer Guide.
create or replace function pg_catalog.redshift_key_columns(tbl oid, cols text[]) returns smallint[] language plpgsql stable as $$
declare
    missing text;
    key smallint[];
begin
    select u.col into missing from redshift_hidden.unnest(cols) as u (col)
    where not exists (select 1 from pg_attribute a where a.attrelid = tbl and a.attname = u.col and a.attnum > 0 and not a.attisdropped)
    limit 1;
    if missing is not null then
        raise exception 'column "%" named in key does not exist', missing using errcode = '42703';
    end if;
    if (select count(distinct u.col) < count(*) from redshift_hidden.unnest(cols) as u (col)) then
        raise exception 'a column appears twice in a key' using errcode = '42701';
    end if;
    select redshift_hidden.array_agg(a.attnum order by u.at) into key
    from redshift_hidden.unnest(cols) with ordinality as u (col, at) join pg_attribute a on a.attrelid = tbl and a.attname = u.col;
    return key;
end $$;

-- As PostgreSQL 8.0 names them: by the table and, but for a primary key, its first column; a number where the name is taken.
create or replace function pg_catalog.redshift_key_name(target oid, kind "char", col text) returns name language sql stable as $$
    select free.name
    from pg_catalog.pg_class c
    cross join redshift_hidden.unnest(array['', '1', '2', '3', '4', '5', '6', '7', '8', '9']) with ordinality as s (suffix, at)
    cross join lateral (
        select (left(c.relname || case $2 when 'p' then '' else '_' || $3 end, 57)
            || case $2 when 'p' then '_pkey' when 'u' then '_key' else '_fkey' end || s.suffix)::name as name
    ) as free
    where c.oid = $1
        and not exists (
            select 1 from pg_catalog.redshift_keys k
            where k.name = free.name and (k.tbl = $1 or ($2 <> 'f' and k.kind <> 'f' and k.namespace = c.relnamespace))
        )
        and not ($2 <> 'f' and exists (
            select 1 from pg_catalog.pg_class o where o.relname = free.name and o.relnamespace = c.relnamespace
        ))
    order by s.at limit 1 $$;

create or replace function pg_catalog.redshift_check_primary_key(target oid, key smallint[], creating boolean) returns void
language plpgsql stable as $$
declare
    nullable text := (
        select a.attname from pg_attribute a where a.attrelid = target and a.attnum = any (key) and not a.attnotnull order by a.attnum limit 1
    );
begin
    if exists (select 1 from pg_catalog.redshift_keys k where k.tbl = target and k.kind = 'p') then
        raise exception 'multiple primary keys for table "%" are not allowed', target::regclass using errcode = '42P16';
    end if;
    if nullable is not null and not creating then
        raise exception 'cannot add a primary key to the nullable column "%"', nullable using errcode = '42P16';
    end if;
end $$;

-- The columns that a foreign key refers to: those of the primary key, unless it names others.
create or replace function pg_catalog.redshift_parent_columns(referenced oid, cols text[], wanted int) returns smallint[]
language plpgsql stable as $$
declare
    found_columns smallint[];
begin
    if not has_table_privilege(session_user, referenced, 'references') then
        raise exception 'permission denied for relation %', referenced::regclass using errcode = '42501';
    end if;
    if redshift_hidden.cardinality(cols) = 0 then
        found_columns := (select k.columns from pg_catalog.redshift_keys k where k.tbl = referenced and k.kind = 'p');
        if found_columns is null then
            raise exception 'there is no primary key for referenced table "%"', referenced::regclass using errcode = '42704';
        end if;
    else
        found_columns := pg_catalog.redshift_key_columns(referenced, cols);
    end if;
    if redshift_hidden.cardinality(found_columns) <> wanted then
        raise exception 'number of referencing and referenced columns for foreign key disagree' using errcode = '42830';
    end if;
    return found_columns;
end $$;

-- The columns and the key that a foreign key refers to stay, unless they are dropped with CASCADE.
create or replace function redshift_meta.bind_foreign_key(target oid, key_name name) returns void language plpgsql
set search_path = pg_catalog, redshift_hidden as $$
declare
    bound record;
begin
    select * into bound from pg_catalog.redshift_keys where tbl = target and name = key_name;
    if bound.parent_key is null then
        raise exception 'there is no unique constraint matching given keys for referenced table "%"', bound.parent::regclass using errcode = '42830';
    end if;
    insert into pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
    select 'redshift_hidden.pg_constraint'::regclass, bound.oid, 0, 'pg_catalog.pg_class'::regclass, bound.parent, u.attnum, 'n'::"char"
    from unnest(bound.parent_columns) as u (attnum)
    union all
    select 'redshift_hidden.pg_constraint'::regclass, bound.oid, 0, 'redshift_hidden.pg_constraint'::regclass, bound.parent_key, 0, 'n'
    where bound.parent_key <> bound.oid;
end $$;
revoke execute on function redshift_meta.bind_foreign_key from public;

create or replace function pg_catalog.redshift_declare_key(
    target oid, kind "char", named text, cols text[], parent oid, parent_cols text[], creating boolean
) returns void language plpgsql security definer set search_path = pg_catalog, redshift_hidden, pg_temp as $$
declare
    key smallint[] := pg_catalog.redshift_key_columns(target, cols);
    key_name name := coalesce(named, pg_catalog.redshift_key_name(target, kind, cols[1]));
    parent_key smallint[];
    not_null text := '';
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = target), 'member') then
        raise exception 'must be owner of relation %', target::regclass using errcode = '42501';
    end if;
    if kind = 'p' then
        perform pg_catalog.redshift_check_primary_key(target, key, creating);
        not_null := (select string_agg(format('alter column %I set not null, ', col), '') from unnest(cols) as u (col));
    elsif kind = 'f' then
        parent_key := pg_catalog.redshift_parent_columns(parent, parent_cols, cardinality(key));
    end if;
    execute format(
        'alter table %s %s add constraint %I check (true or %s) not valid', target::regclass, not_null, key_name,
        (select string_agg(format('%I is null', u.col), ' or ' order by u.at) from unnest(cols) with ordinality as u (col, at))
    );
    insert into redshift_meta.keys values (target, key_name, kind, parent, parent_key);
    if kind = 'f' then
        perform redshift_meta.bind_foreign_key(target, key_name);
    end if;
end $$;

-- DROP COLUMN; a foreign key that refers to the column is among PostgreSQL's dependencies.
create or replace function pg_catalog.redshift_check_drop(target oid, col text, cascading boolean) returns void language plpgsql stable as $$
begin
    if exists (
        select 1 from pg_catalog.redshift_keys k join pg_attribute a on a.attrelid = k.tbl and a.attnum = any (k.columns)
        where not cascading and k.tbl = target and a.attname = col and redshift_hidden.cardinality(k.columns) > 1
    ) then
        raise exception 'cannot drop table % column % because other objects depend on it', target::regclass, col using errcode = '2BP01';
    end if;
    if exists (select 1 from redshift_meta.table_attributes where tbl = target and (distkey = col or col = any (sortkeys))) then
        raise exception 'cannot drop column % of table %, which is its distribution or sort key', col, target::regclass using errcode = '0A000';
    end if;
end $$;

-- SHOW CONSTRAINTS; the rules of a foreign key have no values, since nothing follows from it.
create or replace function pg_catalog.redshift_show_primary_keys(schema text, name text) returns table (
    database_name varchar, schema_name varchar, table_name varchar, pk_name varchar, column_name varchar, key_seq smallint
) language sql stable as $$
    select u.table_catalog, u.table_schema, u.table_name, u.constraint_name, u.column_name, u.ordinal_position::smallint
    from information_schema.key_column_usage u
    join pg_catalog.redshift_keys k on k.name = u.constraint_name and k.tbl = redshift_hidden.to_regclass(redshift_hidden.format('%I.%I', schema, $2))
    where u.table_schema = schema and u.table_name = $2 and k.kind = 'p' and has_table_privilege(k.tbl, 'select')
    order by u.ordinal_position $$;
create or replace function pg_catalog.redshift_show_foreign_keys(schema text, name text, exported boolean) returns table (
    pk_database_name varchar, pk_schema_name varchar, pk_table_name varchar, pk_column_name varchar, fk_database_name varchar,
    fk_schema_name varchar, fk_table_name varchar, fk_column_name varchar, key_seq smallint, fk_name varchar, pk_name varchar,
    update_rule smallint, delete_rule smallint, deferrability smallint
) language sql stable as $$
    select
        current_database()::varchar, p.nspname::varchar, parent.relname::varchar, pa.attname::varchar, current_database()::varchar,
        n.nspname::varchar, child.relname::varchar, a.attname::varchar, u.at::smallint, k.name::varchar, unique_key.name::varchar,
        null::smallint, null::smallint, null::smallint
    from pg_catalog.redshift_keys k
    join pg_catalog.redshift_keys unique_key on unique_key.oid = k.parent_key
    join pg_catalog.pg_class child on child.oid = k.tbl
    join pg_catalog.pg_namespace n on n.oid = child.relnamespace
    join pg_catalog.pg_class parent on parent.oid = k.parent
    join pg_catalog.pg_namespace p on p.oid = parent.relnamespace
    cross join lateral redshift_hidden.unnest(k.columns) with ordinality as u (attnum, at)
    join pg_catalog.pg_attribute a on a.attrelid = k.tbl and a.attnum = u.attnum
    join pg_catalog.pg_attribute pa on pa.attrelid = k.parent and pa.attnum = k.parent_columns[u.at]
    where case when exported then p.nspname = schema and parent.relname = $2 else n.nspname = schema and child.relname = $2 end
        and has_table_privilege(case when exported then k.parent else k.tbl end, 'select')
    order by n.nspname, child.relname, k.name, u.at $$;

-- Keys that an older catalogue kept by the names of their columns, without names of their own.
do $$
declare
    old record;
begin
    if to_regclass('redshift_meta.constraints') is null then
        return;
    end if;
    for old in
        select c.*, coalesce(to_regclass(p.parent), to_regclass(t.relnamespace::regnamespace::text || '.' || p.parent))::oid as parent,
            regexp_split_to_array(nullif(translate(split_part(c.reference, '(', 2), ' )"', ''), ''), ',') as parent_columns
        from redshift_meta.constraints c
        join pg_class t on t.oid = c.tbl
        cross join lateral (select nullif(btrim(split_part(c.reference, '(', 1)), '') as parent) as p
        order by c.kind = 'f', c.kind
    loop
        begin
            perform pg_catalog.redshift_declare_key(
                old.tbl, old.kind, null, old.columns, old.parent, coalesce(old.parent_columns, '{}'), true
            );
        exception when others then
            raise warning 'a key of % is gone: %', old.tbl::regclass, sqlerrm;
        end;
    end loop;
    drop table redshift_meta.constraints;
end $$;
