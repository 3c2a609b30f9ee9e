-- Functions of Redshift that PostgreSQL does not have, or has under another meaning.
-- Source: "Date and time functions", "String functions", "Aggregate functions" in the Developer Guide.

create or replace function pg_catalog.getdate() returns timestamp language sql volatile as
    $$ select date_trunc('second', redshift_hidden.statement_timestamp() at time zone 'UTC') $$;
create or replace function pg_catalog.redshift_sysdate() returns timestamp language sql stable as
    $$ select redshift_hidden.transaction_timestamp() at time zone 'UTC' $$;

create or replace function pg_catalog.redshift_unit(unit text) returns text language sql immutable strict as $$
    select case lower(unit)
        when 'y' then 'year' when 'yr' then 'year' when 'yrs' then 'year' when 'years' then 'year' when 'yyyy' then 'year'
        when 'mon' then 'month' when 'mons' then 'month' when 'months' then 'month' when 'mm' then 'month'
        when 'qtr' then 'quarter' when 'qtrs' then 'quarter' when 'quarters' then 'quarter'
        when 'w' then 'week' when 'weeks' then 'week'
        when 'd' then 'day' when 'days' then 'day' when 'dd' then 'day'
        when 'h' then 'hour' when 'hr' then 'hour' when 'hrs' then 'hour' when 'hours' then 'hour' when 'hh' then 'hour'
        when 'm' then 'minute' when 'min' then 'minute' when 'mins' then 'minute' when 'minutes' then 'minute' when 'mi' then 'minute'
        when 's' then 'second' when 'sec' then 'second' when 'secs' then 'second' when 'seconds' then 'second' when 'ss' then 'second'
        when 'ms' then 'millisecond' when 'msec' then 'millisecond' when 'msecs' then 'millisecond'
        when 'milliseconds' then 'millisecond' when 'us' then 'microsecond' when 'microseconds' then 'microsecond'
        when 'usec' then 'microsecond' when 'usecs' then 'microsecond'
        else lower(unit) end $$;

-- Adding months to the last day of a month gives the last day of the other month.
create or replace function pg_catalog.dateadd(unit text, n bigint, at timestamp) returns timestamp
language plpgsql immutable strict as $$
declare
    part text := pg_catalog.redshift_unit(unit);
    months bigint := case part when 'year' then 12 when 'quarter' then 3 when 'month' then 1 end;
    moved timestamp;
begin
    if months is null then
        return at + n * ('1 ' || part)::interval;
    end if;
    moved := at + n * months * interval '1 month';
    if at::date = (date_trunc('month', at) + interval '1 month - 1 day')::date then
        moved := moved::time + (date_trunc('month', moved) + interval '1 month - 1 day')::date;
    end if;
    return moved;
end $$;
create or replace function pg_catalog.add_months(at timestamp, n bigint) returns timestamp language sql immutable strict as
    $$ select pg_catalog.dateadd('month', n, at) $$;

-- Counts the boundaries crossed; weeks begin on Sunday.
create or replace function pg_catalog.datediff(unit text, a timestamp, b timestamp) returns bigint
language plpgsql immutable strict as $$
declare
    part text := pg_catalog.redshift_unit(unit);
begin
    case part
        when 'year' then return extract(year from b) - extract(year from a);
        when 'quarter' then return extract(year from b) * 4 + extract(quarter from b) - extract(year from a) * 4 - extract(quarter from a);
        when 'month' then return extract(year from b) * 12 + extract(month from b) - extract(year from a) * 12 - extract(month from a);
        when 'week' then return (date_trunc('week', b + interval '1 day')::date - date_trunc('week', a + interval '1 day')::date) / 7;
        when 'day' then return b::date - a::date;
        when 'microsecond' then return extract(epoch from b - a) * 1000000;
        when 'millisecond' then return extract(epoch from date_trunc('milliseconds', b) - date_trunc('milliseconds', a)) * 1000;
        when 'hour', 'minute', 'second' then
            return extract(epoch from date_trunc(part, b) - date_trunc(part, a)) / extract(epoch from ('1 ' || part)::interval);
        else raise exception 'timestamp units "%" not recognized', unit using errcode = '22023';
    end case;
end $$;
create or replace function pg_catalog.datediff(unit text, a timestamptz, b timestamptz) returns bigint
language sql immutable strict as $$ select pg_catalog.datediff(unit, a at time zone 'UTC', b at time zone 'UTC') $$;
create or replace function pg_catalog.date_trunc(unit text, at date) returns timestamp language sql immutable strict as
    $$ select pg_catalog.date_trunc(unit, at::timestamp) $$;
create or replace function pg_catalog.trunc(at timestamp) returns date language sql immutable strict as $$ select at::date $$;
create or replace function pg_catalog.last_day(at timestamp) returns date language sql immutable strict as
    $$ select (date_trunc('month', at) + interval '1 month - 1 day')::date $$;
create or replace function pg_catalog.date_part_year(at date) returns int language sql immutable strict as
    $$ select extract(year from at)::int $$;
create or replace function pg_catalog.months_between(a timestamp, b timestamp) returns float8 language sql immutable strict as $$
    select (extract(year from a) * 12 + extract(month from a) - extract(year from b) * 12 - extract(month from b)
        + case when extract(day from a) = extract(day from b)
            or (pg_catalog.last_day(a) = a::date and pg_catalog.last_day(b) = b::date) then 0
            else (extract(day from a) - extract(day from b)) / 31.0 end)::float8 $$;
create or replace function pg_catalog.convert_timezone(source text, target text, at timestamp) returns timestamp
language sql immutable strict as $$ select at at time zone source at time zone target $$;
create or replace function pg_catalog.convert_timezone(target text, at timestamp) returns timestamp
language sql immutable strict as $$ select at at time zone 'UTC' at time zone target $$;

create or replace function pg_catalog.len(value text) returns int language sql immutable strict as $$ select length(value) $$;
create or replace function pg_catalog.nvl2(subject anyelement, a anycompatible, b anycompatible) returns anycompatible
language sql immutable as $$ select case when subject is not null then a else b end $$;
create or replace function pg_catalog.charindex(part text, whole text) returns int language sql immutable strict as
    $$ select strpos(whole, part) $$;
create or replace function pg_catalog.sha2(value text, bits int) returns varchar language sql immutable strict as $$
    select redshift_hidden.encode(case bits when 224 then redshift_hidden.sha224(redshift_hidden.convert_to(value, 'UTF8')) when 384 then redshift_hidden.sha384(redshift_hidden.convert_to(value, 'UTF8'))
        when 512 then redshift_hidden.sha512(redshift_hidden.convert_to(value, 'UTF8')) when 256 then redshift_hidden.sha256(redshift_hidden.convert_to(value, 'UTF8'))
        when 0 then redshift_hidden.sha256(redshift_hidden.convert_to(value, 'UTF8')) end, 'hex')::varchar $$;
create or replace function pg_catalog.strtol(digits text, base int) returns bigint language plpgsql immutable strict as $$
declare
    result bigint := 0;
    place int;
    digit text;
begin
    foreach digit in array redshift_hidden.string_to_array(ltrim(lower(digits), '-'), null) loop
        place := strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit) - 1;
        if place < 0 or place >= base then
            raise exception 'The input % is not valid to be converted to base %', digits, base using errcode = '22023';
        end if;
        result := result * base + place;
    end loop;
    return case when digits like '-%' then -result else result end;
end $$;
create or replace function pg_catalog.is_valid_json(value text) returns boolean language plpgsql immutable strict as $$
begin
    return redshift_hidden.json_typeof(value::redshift_hidden.json) = 'object';
exception when others then
    return false;
end $$;
create or replace function pg_catalog.json_extract_path_text(value text, variadic path text[]) returns text
language sql immutable strict as $$ select coalesce(redshift_hidden.json_extract_path_text(value::redshift_hidden.json, variadic path), '') $$;

create or replace function pg_catalog.version() returns text language sql stable as
    $$ select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0' $$;
-- CONCAT takes two arguments; with a NULL the result is NULL.
create or replace function pg_catalog.concat(a text, b text) returns text language sql immutable strict as $$ select a || b $$;
-- REGEXP_REPLACE replaces every occurrence.
create or replace function pg_catalog.regexp_replace(value text, pattern text, replacement text) returns text
language sql immutable strict as $$ select redshift_hidden.regexp_replace(value, pattern, replacement, 'g') $$;
create or replace function pg_catalog.regexp_replace(value text, pattern text) returns text
language sql immutable strict as $$ select redshift_hidden.regexp_replace(value, pattern, '', 'g') $$;

-- AVG of integers is an integer; AVG of decimals keeps their scale.
create or replace function pg_catalog.redshift_avg_add(state numeric[], value numeric) returns numeric[]
language sql immutable strict as $$ select array[state[1] + 1, state[2] + value] $$;
create or replace function pg_catalog.redshift_avg_integer(state numeric[]) returns bigint
language sql immutable strict as $$ select trunc(state[2] / nullif(state[1], 0))::bigint $$;
create or replace function pg_catalog.redshift_avg_decimal(state numeric[]) returns numeric
language sql immutable strict as $$ select trunc(state[2] / nullif(state[1], 0), redshift_hidden.scale(state[2])) $$;
create or replace function pg_catalog.redshift_avg_add(state numeric[], value bigint) returns numeric[]
language sql immutable strict as $$ select array[state[1] + 1, state[2] + value] $$;
create or replace aggregate pg_catalog.avg(bigint) (sfunc = pg_catalog.redshift_avg_add, stype = numeric[], initcond = '{0,0}', finalfunc = pg_catalog.redshift_avg_integer);
create or replace function pg_catalog.redshift_avg_add(state numeric[], value int) returns numeric[]
language sql immutable strict as $$ select array[state[1] + 1, state[2] + value] $$;
create or replace aggregate pg_catalog.avg(int) (sfunc = pg_catalog.redshift_avg_add, stype = numeric[], initcond = '{0,0}', finalfunc = pg_catalog.redshift_avg_integer);
create or replace function pg_catalog.redshift_avg_add(state numeric[], value smallint) returns numeric[]
language sql immutable strict as $$ select array[state[1] + 1, state[2] + value] $$;
create or replace aggregate pg_catalog.avg(smallint) (sfunc = pg_catalog.redshift_avg_add, stype = numeric[], initcond = '{0,0}', finalfunc = pg_catalog.redshift_avg_integer);
create or replace aggregate pg_catalog.avg(numeric) (sfunc = pg_catalog.redshift_avg_add, stype = numeric[], initcond = '{0,0}', finalfunc = pg_catalog.redshift_avg_decimal);

create or replace function pg_catalog.pg_last_copy_count() returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift.last_copy_count', true), '')::bigint, 0) $$;
create or replace function pg_catalog.pg_last_copy_id() returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift.last_copy_id', true), '')::bigint, -1) $$;
create or replace function pg_catalog.pg_last_query_id() returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift.last_query_id', true), '')::bigint, -1) $$;
create or replace function pg_catalog.pg_last_unload_count() returns bigint language sql volatile as
    $$ select coalesce(nullif(current_setting('redshift.last_unload_count', true), '')::bigint, 0) $$;
