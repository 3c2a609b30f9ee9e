-- Functions that compare strings, also by sound, or count in them; days of the week. Source: "String functions", "NEXT_DAY",
-- "TO_DATE" and "Comparison functions" in the Developer Guide.
create or replace function pg_catalog.replicate(value text, times int) returns text language sql immutable strict as
    $$ select repeat(value, times) $$;
create or replace function pg_catalog.textlen(value text) returns int language sql immutable strict as $$ select length(value) $$;
create or replace function pg_catalog.octetindex(part text, whole text) returns int language sql immutable strict as $$
    select case when strpos(whole, part) > 0 then octet_length(left(whole, strpos(whole, part) - 1)) + 1 else 0 end $$;
-- American Soundex: of adjacent letters with the same code, or with only H or W between them, the first counts.
create or replace function pg_catalog.soundex(value text) returns varchar language plpgsql immutable strict as $$
declare
    letters text := redshift_hidden.regexp_replace(upper(value), '[^A-Z]', '', 1, 0);
    result text := left(letters, 1);
    before text := translate(result, 'BFPVCGJKQSXZDTLMNRAEIOUYHW', '11112222222233455600000000');
    code text;
begin
    for i in 2 .. length(letters) loop
        continue when substr(letters, i, 1) in ('H', 'W');
        code := translate(substr(letters, i, 1), 'BFPVCGJKQSXZDTLMNRAEIOUY', '111122222222334556000000');
        result := result || case when code in ('0', before) then '' else code end;
        before := code;
    end loop;
    return case when letters = '' then '' else rpad(left(result, 4), 4, '0') end;
end $$;
create or replace function pg_catalog.difference(a text, b text) returns int language sql immutable strict as $$
    select count(*)::int from pg_catalog.generate_series(1, 4) as i
    where substr(pg_catalog.soundex(a), i, 1) = substr(pg_catalog.soundex(b), i, 1) and pg_catalog.soundex(a) <> '' $$;
create or replace function pg_catalog.next_day(at timestamp, day text) returns date language plpgsql immutable strict as $$
declare
    wanted int;
begin
    select n - 1 into wanted from redshift_hidden.unnest(
        array['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
    ) with ordinality as names (name, n) where length(day) > 1 and name like lower(btrim(day)) || '%' or lower(btrim(day)) = 'tues' and n = 3
        or lower(btrim(day)) = 'thurs' and n = 5;
    if wanted is null then
        raise exception 'Invalid day of week: %', day using errcode = '22023';
    end if;
    return at::date + 1 + (wanted - redshift_hidden.date_part('dow', at)::int + 6) % 7;
end $$;
-- A time whose day, hour, minute or second is over its range: what is over goes to the next higher field.
create or replace function pg_catalog.redshift_overflown(value text, format text) returns timestamp language plpgsql immutable strict as $$
declare
    -- As wide as the value; the hours of a clock of twelve are never over.
    places text := replace(replace(upper(format), 'HH24', 'H4'), 'HH12', 'HH');
    plain text := value;
    over interval := '0';
    part text;
    place int;
begin
    foreach part in array array['DD', 'H4', 'MI', 'SS'] loop
        place := strpos(places, part);
        if place > 0 and substr(value, place, 2) between '01' and '99' then
            plain := redshift_hidden.overlay(plain, case part when 'DD' then '01' else '00' end, place, 2);
            over := over + substr(value, place, 2)::int * case part
                when 'DD' then interval '1 day' when 'H4' then interval '1 hour' when 'MI' then interval '1 minute' else interval '1 second' end;
            over := over - case part when 'DD' then interval '1 day' else interval '0' end;
        end if;
    end loop;
    return (redshift_hidden.to_timestamp(plain, format) at time zone 'UTC') + over;
end $$;
-- Without is_strict they take what is over its range.
create or replace function pg_catalog.to_date(value text, format text, is_strict boolean) returns date language plpgsql immutable strict as $$
begin
    return redshift_hidden.to_date(value, format);
exception when datetime_field_overflow then
    if is_strict then
        raise;
    end if;
    return pg_catalog.redshift_overflown(value, format);
end $$;
create or replace function pg_catalog.to_date(value text, format text) returns date language sql immutable strict as
    $$ select pg_catalog.to_date(value, format, false) $$;
create or replace function pg_catalog.to_timestamp(value text, format text, is_strict boolean) returns timestamptz language plpgsql stable strict as $$
begin
    return redshift_hidden.to_timestamp(value, format);
exception when datetime_field_overflow then
    if is_strict then
        raise;
    end if;
    return pg_catalog.redshift_overflown(value, format)::timestamptz;
end $$;
create or replace function pg_catalog.to_timestamp(value text, format text) returns timestamptz language sql stable strict as
    $$ select pg_catalog.to_timestamp(value, format, false) $$;
create or replace function pg_catalog.date_cmp(a date, b date) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.date_cmp_timestamp(a date, b timestamp) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.date_cmp_timestamptz(a date, b timestamptz) returns int language sql stable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.timestamp_cmp(a timestamp, b timestamp) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.timestamp_cmp_date(a timestamp, b date) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.timestamp_cmp_timestamptz(a timestamp, b timestamptz) returns int language sql stable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.timestamptz_cmp(a timestamptz, b timestamptz) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.timestamptz_cmp_date(a timestamptz, b date) returns int language sql stable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.timestamptz_cmp_timestamp(a timestamptz, b timestamp) returns int language sql stable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.interval_cmp(a interval, b interval) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.bpcharcmp(a text, b text) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;
create or replace function pg_catalog.bttext_pattern_cmp(a text, b text) returns int language sql immutable strict as
    $$ select case when a < b then -1 when a > b then 1 else 0 end $$;

-- Any value that is not NULL: the first one found.
create or replace function pg_catalog.redshift_first(state anyelement, value anyelement) returns anyelement
language sql immutable strict as $$ select state $$;
create or replace aggregate pg_catalog.any_value(anyelement) (sfunc = pg_catalog.redshift_first, stype = anyelement);
create or replace function pg_catalog.dexp(value float8) returns float8 language sql immutable strict as $$ select exp(value) $$;
create or replace function pg_catalog.dlog1(value float8) returns float8 language sql immutable strict as $$ select ln(value) $$;
create or replace function pg_catalog.dlog10(value float8) returns float8 language sql immutable strict as $$ select log(value) $$;
