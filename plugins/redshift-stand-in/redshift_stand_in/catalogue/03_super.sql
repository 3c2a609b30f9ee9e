-- Functions of SUPER. Those that read a value give NULL where it is of another kind (lax semantics).
-- In PL/pgSQL: PostgreSQL plans a SQL function in another one anew at each call.
-- Source: "Array functions for use with the SUPER data type", "JSON functions", "Object functions", "SUPER type information
-- functions", "Querying semi-structured data", "enable_large_strings_opt_in" in the Developer Guide.
create or replace function pg_catalog.json_parse(value text) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(pg_catalog.redshift_compact(value::redshift_hidden.json)); end $$;
create or replace function pg_catalog.json_parse(value varbyte) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.json_parse(pg_catalog.redshift_from_varbyte(value)::text); end $$;
create or replace function pg_catalog.can_json_parse(value text) returns boolean language plpgsql immutable strict as $$
begin
    return octet_length(pg_catalog.redshift_compact(value::redshift_hidden.json)) <= 16777216;
exception when data_exception or statement_too_complex then
    return false;
end $$;
create or replace function pg_catalog.can_json_parse(value varbyte) returns boolean language plpgsql immutable strict as
    $$ begin return pg_catalog.can_json_parse(pg_catalog.redshift_from_varbyte(value)::text); end $$;
create or replace function pg_catalog.json_serialize(value super) returns varchar language plpgsql immutable strict as $$
begin
    if octet_length(pg_catalog.redshift_super_text(value)) > pg_catalog.redshift_string_bytes() then
        raise exception 'value too long for type character varying(%)', pg_catalog.redshift_string_bytes()
            using errcode = '22001';
    end if;
    return pg_catalog.redshift_super_text(value);
end $$;
create or replace function pg_catalog.is_large_string_enabled() returns boolean language plpgsql stable as
    $$ begin return pg_catalog.redshift_string_bytes() > 65535; end $$;
create or replace function pg_catalog.json_serialize_to_varbyte(value super) returns varbyte language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_to_varbyte(pg_catalog.redshift_super_text(value)::varchar); end $$;

-- Introspection. All but JSON_TYPEOF, DECIMAL_PRECISION and DECIMAL_SCALE are false for NULL.
create or replace function pg_catalog.redshift_super_type(value super) returns text language plpgsql immutable strict as $$
begin
    return case left(pg_catalog.redshift_super_text(value), 1)
        when '{' then 'object' when '[' then 'array' when '"' then 'string' when 't' then 'boolean' when 'f' then 'boolean'
        else 'number' end;
end $$;
-- Strings without their quotes; NULL for arrays and objects.
create or replace function pg_catalog.redshift_super_scalar(value super) returns text language plpgsql immutable strict as $$
begin
    return case pg_catalog.redshift_super_type(value)
        when 'string' then redshift_hidden.json_extract_path_text(pg_catalog.redshift_super_json(value), variadic array[]::text[])
        when 'number' then pg_catalog.redshift_super_text(value)
        when 'boolean' then pg_catalog.redshift_super_text(value) end;
end $$;
-- NULL for a float too.
create or replace function pg_catalog.redshift_super_decimal(value super) returns numeric language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_type(value) = 'number' and strpos(pg_catalog.redshift_super_text(value), 'e') = 0
        then pg_catalog.redshift_super_text(value)::numeric end;
end $$;
create or replace function pg_catalog.json_typeof(value super) returns varchar language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super_type(value)::varchar; end $$;
create or replace function pg_catalog.is_array(value super) returns boolean language sql immutable as
    $$ select coalesce(pg_catalog.redshift_super_type(value) = 'array', false) $$;
create or replace function pg_catalog.is_object(value super) returns boolean language sql immutable as
    $$ select coalesce(pg_catalog.redshift_super_type(value) = 'object', false) $$;
create or replace function pg_catalog.is_scalar(value super) returns boolean language sql immutable as
    $$ select coalesce(pg_catalog.redshift_super_type(value) not in ('array', 'object'), false) $$;
create or replace function pg_catalog.is_boolean(value super) returns boolean language sql immutable as
    $$ select coalesce(pg_catalog.redshift_super_type(value) = 'boolean', false) $$;
create or replace function pg_catalog.is_varchar(value super) returns boolean language sql immutable as
    $$ select coalesce(pg_catalog.redshift_super_type(value) = 'string', false) $$;
create or replace function pg_catalog.is_char(value super) returns boolean language plpgsql immutable as $$
begin
    return pg_catalog.is_varchar(value)
        and octet_length(pg_catalog.redshift_super_scalar(value)) = length(pg_catalog.redshift_super_scalar(value));
end $$;
create or replace function pg_catalog.is_decimal(value super) returns boolean language sql immutable as
    $$ select pg_catalog.redshift_super_decimal(value) is not null $$;
create or replace function pg_catalog.is_float(value super) returns boolean language plpgsql immutable as $$
begin
    return coalesce(pg_catalog.redshift_super_type(value) = 'number' and pg_catalog.redshift_super_decimal(value) is null, false);
end $$;
create or replace function pg_catalog.redshift_is_integer(value numeric, bits int) returns boolean language plpgsql immutable as
    $$ begin return coalesce(redshift_hidden.scale(value) = 0 and value >= -(2::numeric ^ (bits - 1)) and value < 2::numeric ^ (bits - 1), false); end $$;
create or replace function pg_catalog.is_smallint(value super) returns boolean language sql immutable as
    $$ select pg_catalog.redshift_is_integer(pg_catalog.redshift_super_decimal(value), 16) $$;
create or replace function pg_catalog.is_integer(value super) returns boolean language sql immutable as
    $$ select pg_catalog.redshift_is_integer(pg_catalog.redshift_super_decimal(value), 32) $$;
create or replace function pg_catalog.is_bigint(value super) returns boolean language sql immutable as
    $$ select pg_catalog.redshift_is_integer(pg_catalog.redshift_super_decimal(value), 64) $$;
create or replace function pg_catalog.decimal_scale(value super) returns int language plpgsql immutable strict as
    $$ begin return redshift_hidden.scale(pg_catalog.redshift_super_decimal(value)); end $$;
create or replace function pg_catalog.decimal_precision(value super) returns int language plpgsql immutable strict as $$
begin
    return (select case when d is not null then greatest(length(ltrim(translate(abs(d)::text, '.', ''), '0')), redshift_hidden.scale(d), 1) end
    from (select pg_catalog.redshift_super_decimal(value)) as v (d));
end $$;

-- Paths and FROM: the front puts them in place of value.name, value[0] and FROM value AS x (paths.py, unnest.py).
create or replace function pg_catalog.redshift_at(value super, name text) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(redshift_hidden.json_object_field(pg_catalog.redshift_super_json(value), name)::text); end $$;
create or replace function pg_catalog.redshift_at(value super, place int) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(redshift_hidden.json_array_element(pg_catalog.redshift_super_json(value), place)::text); end $$;
create or replace function pg_catalog.redshift_items(value super) returns table (item text, at bigint)
language plpgsql immutable strict rows 10 as $$
begin
    return query select e.item::text, e.at from redshift_hidden.json_array_elements(
        case when pg_catalog.redshift_super_type(value) = 'array' then pg_catalog.redshift_super_json(value) else '[]' end
    ) with ordinality as e (item, at);
end $$;
create or replace function pg_catalog.redshift_unnest(whole super) returns setof super language plpgsql immutable strict rows 10 as $$
begin
    return query select pg_catalog.redshift_super(i.item) from pg_catalog.redshift_items(whole) as i order by i.at;
end $$;
create or replace function pg_catalog.redshift_unnest_at(whole super) returns table (value super, index bigint)
language plpgsql immutable strict rows 10 as $$
begin
    return query select pg_catalog.redshift_super(i.item), i.at - 1 from pg_catalog.redshift_items(whole) as i order by i.at;
end $$;
create or replace function pg_catalog.redshift_unpivot_at(whole super) returns table (value super, attribute varchar)
language plpgsql immutable strict rows 10 as $$
begin
    return query select pg_catalog.redshift_super(e.item::text), e.key::varchar from redshift_hidden.json_each(
        case when pg_catalog.redshift_super_type(whole) = 'object' then pg_catalog.redshift_super_json(whole) else '{}' end
    ) with ordinality as e (key, item, at) order by e.at;
end $$;
create or replace function pg_catalog.redshift_unpivot(whole super) returns setof super language plpgsql immutable strict rows 10 as $$
begin
    return query select u.value from pg_catalog.redshift_unpivot_at(whole) as u;
end $$;

-- ARRAY and OBJECT: the front gives the arguments as JSON, or as NULL, and the keys as they are (constructors.py).
create or replace function pg_catalog."array"(items text[]) returns super language plpgsql immutable as
    $$ begin return pg_catalog.redshift_super('[' || array_to_string(items, ',', 'null') || ']'); end $$;
create or replace function pg_catalog."object"(items text[]) returns super language plpgsql immutable as $$
begin
    return (select pg_catalog.redshift_super(pg_catalog.redshift_compact(('{' || coalesce(redshift_hidden.string_agg(
        redshift_hidden.to_json(items[i])::text || ':' || coalesce(items[i + 1], 'null'), ',' order by i), '') || '}')::redshift_hidden.json))
    from pg_catalog.generate_series(1, redshift_hidden.array_length(items, 1), 2) as i);
end $$;

-- Array functions.
create or replace function pg_catalog.get_array_length(value super) returns int language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_type(value) = 'array'
        then redshift_hidden.json_array_length(pg_catalog.redshift_super_json(value)) end;
end $$;
create or replace function pg_catalog.array_concat(a super, b super) returns super language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_type(a) = 'array' and pg_catalog.redshift_super_type(b) = 'array' then (
        select pg_catalog.redshift_super('[' || coalesce(redshift_hidden.string_agg(i.item, ',' order by i.half, i.at), '') || ']') from (
            select 1 as half, x.item, x.at from pg_catalog.redshift_items(a) as x
            union all
            select 2, y.item, y.at from pg_catalog.redshift_items(b) as y
        ) as i
    ) end;
end $$;
create or replace function pg_catalog.redshift_flat_items(value redshift_hidden.json) returns text language plpgsql immutable strict as $$
begin
    return (select coalesce(redshift_hidden.string_agg(
        case redshift_hidden.json_typeof(e.item) when 'array' then nullif(pg_catalog.redshift_flat_items(e.item), '') else e.item::text end,
        ',' order by e.at
    ), '') from redshift_hidden.json_array_elements(value) with ordinality as e (item, at));
end $$;
create or replace function pg_catalog.array_flatten(value super) returns super language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_type(value) = 'array'
        then pg_catalog.redshift_super('[' || pg_catalog.redshift_flat_items(pg_catalog.redshift_super_json(value)) || ']') end;
end $$;
create or replace function pg_catalog.subarray(value super, start_position int, size int) returns super language plpgsql immutable strict as $$
begin
    return (select case when pg_catalog.redshift_super_type(value) = 'array' then (
        select pg_catalog.redshift_super('[' || coalesce(redshift_hidden.string_agg(i.item, ',' order by i.at), '') || ']')
        from pg_catalog.redshift_items(value) as i
        where i.at > s.before and i.at <= s.before + size
    ) end
    from (select start_position + case when start_position < 0 then pg_catalog.get_array_length(value) else 0 end) as s (before));
end $$;
create or replace function pg_catalog.split_to_array(value text, delimiter text default ',') returns super language plpgsql immutable strict as $$
begin
    return (select pg_catalog.redshift_super('[' || coalesce(redshift_hidden.string_agg(redshift_hidden.to_json(p.part)::text, ',' order by p.at), '') || ']')
    from redshift_hidden.unnest(redshift_hidden.string_to_array(value, delimiter)) with ordinality as p (part, at));
end $$;
