-- Redshift functions that PostgreSQL lacks, or has with another meaning.
-- Source: "Date and time functions", "String functions", "Aggregate functions" in the Developer Guide.

create or replace function pg_catalog.getdate() returns timestamp language sql volatile as
    $$ select date_trunc('second', redshift_hidden.statement_timestamp() at time zone 'UTC') $$;
create or replace function pg_catalog."timestamp"() returns timestamp language sql stable as
    $$ select redshift_hidden.transaction_timestamp() at time zone 'UTC' $$;
create or replace function pg_catalog.current_user_id() returns int language sql stable as
    $$ select oid::int from redshift_hidden.pg_roles where rolname = current_user $$;

create or replace function pg_catalog.len(value text) returns int language sql immutable strict as $$ select length(value) $$;
create or replace function pg_catalog.nvl2(subject anyelement, a anycompatible, b anycompatible) returns anycompatible
language sql immutable as $$ select case when subject is not null then a else b end $$;
create or replace function pg_catalog.charindex(part text, whole text) returns int language sql immutable strict as
    $$ select strpos(whole, part) $$;
create or replace function pg_catalog.redshift_sha2(bytes redshift_hidden.bytea, bits int) returns varchar language sql immutable strict as $$
    select redshift_hidden.encode(case bits when 224 then redshift_hidden.sha224(bytes) when 384 then redshift_hidden.sha384(bytes)
        when 512 then redshift_hidden.sha512(bytes) when 256 then redshift_hidden.sha256(bytes) when 0 then redshift_hidden.sha256(bytes) end,
        'hex')::varchar $$;
create or replace function pg_catalog.sha2(value text, bits int) returns varchar language sql immutable strict as
    $$ select pg_catalog.redshift_sha2(redshift_hidden.convert_to(value, 'UTF8'), bits) $$;
create or replace function pg_catalog.sha2(value varbyte, bits int) returns varchar language sql immutable strict as
    $$ select pg_catalog.redshift_sha2(value::redshift_hidden.bytea, bits) $$;
create or replace function pg_catalog.strtol(digits text, base int) returns bigint language plpgsql immutable strict as $$
declare
    plain text := redshift_hidden.regexp_replace(lower(digits), case base when 16 then '^[[:space:]]*[+-]?(0x)?' else '^[[:space:]]*[+-]?' end, '');
    result bigint := 0;
    place int;
    digit text;
begin
    foreach digit in array redshift_hidden.string_to_array(plain, null) loop
        place := strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit) - 1;
        if place < 0 or place >= base then
            raise exception 'The input % is not valid to be converted to base %', digits, base using errcode = '22023';
        end if;
        result := result * base + place;
    end loop;
    return case when ltrim(digits, E' \t\n\v\f\r') like '-%' then -result else result end;
end $$;
create or replace function pg_catalog.version() returns text language sql stable as
    $$ select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0' $$;
-- CONCAT takes two arguments; with a NULL the result is NULL.
create or replace function pg_catalog.concat(a text, b text) returns text language sql immutable strict as $$ select a || b $$;
-- Regular expressions: REPLACE means every occurrence; of the parameters, i ignores case and e means the first subexpression.
create or replace function pg_catalog.regexp_replace(value text, pattern text, replacement text default '', at int default 1, parameters text default '')
returns text language sql immutable strict as
    $$ select redshift_hidden.regexp_replace(value, pattern, replacement, greatest(at, 1), 0, translate(parameters, 'cep', '')) $$;
create or replace function pg_catalog.redshift_subexpression(pattern text, parameters text) returns int language sql immutable strict as
    $$ select case when strpos(parameters, 'e') > 0 and strpos(pattern, '(') > 0 then 1 else 0 end $$;
create or replace function pg_catalog.regexp_substr(value text, pattern text, at int default 1, nth int default 1, parameters text default '')
returns text language sql immutable strict as $$
    select case when nth >= 1 then redshift_hidden.regexp_substr(value, pattern, greatest(at, 1), nth, translate(parameters, 'cep', ''),
        pg_catalog.redshift_subexpression(pattern, parameters)) end $$;
create or replace function pg_catalog.regexp_instr(
    value text, pattern text, at int default 1, nth int default 1, behind int default 0, parameters text default ''
) returns int language sql immutable strict as $$
    select case when nth >= 1 then redshift_hidden.regexp_instr(value, pattern, greatest(at, 1), nth, least(abs(behind), 1),
        translate(parameters, 'cep', ''), pg_catalog.redshift_subexpression(pattern, parameters)) else 0 end $$;
create or replace function pg_catalog.regexp_count(value text, pattern text, at int default 1, parameters text default '')
returns int language sql immutable strict as
    $$ select redshift_hidden.regexp_count(value, pattern, greatest(at, 1), translate(parameters, 'cep', '')) $$;
create or replace function pg_catalog.split_part(value text, delimiter text, part int) returns text language plpgsql immutable strict as $$
begin
    if part < 1 then
        raise exception 'field position must be greater than zero' using errcode = '22023';
    end if;
    return redshift_hidden.split_part(value, delimiter, part);
end $$;

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

-- A number as UNLOAD puts it into Parquet, whatever the session shows of it.
create or replace function pg_catalog.redshift_all_digits(value real) returns text language plpgsql immutable strict
set extra_float_digits = 1 as $$ begin return value; end $$;
create or replace function pg_catalog.redshift_all_digits(value float8) returns text language plpgsql immutable strict
set extra_float_digits = 1 as $$ begin return value; end $$;
