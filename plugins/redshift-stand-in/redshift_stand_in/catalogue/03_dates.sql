-- Functions of dates and times. Source: "Date and time functions" in the Developer Guide.

-- The name of a date part, from its abbreviations ("Date parts for date or timestamp functions").
create or replace function pg_catalog.redshift_unit(unit text) returns text language sql immutable strict as $$
    select case lower(unit)
        when 'mil' then 'millennium' when 'mils' then 'millennium' when 'millennia' then 'millennium'
        when 'c' then 'century' when 'cent' then 'century' when 'cents' then 'century' when 'centuries' then 'century'
        when 'dec' then 'decade' when 'decs' then 'decade' when 'decades' then 'decade'
        when 'y' then 'year' when 'yr' then 'year' when 'yrs' then 'year' when 'years' then 'year'
        when 'mon' then 'month' when 'mons' then 'month' when 'months' then 'month'
        when 'qtr' then 'quarter' when 'qtrs' then 'quarter' when 'quarters' then 'quarter'
        when 'w' then 'week' when 'weeks' then 'week'
        when 'dayofweek' then 'dow' when 'dw' then 'dow' when 'weekday' then 'dow'
        when 'dayofyear' then 'doy' when 'dy' then 'doy' when 'yearday' then 'doy'
        when 'd' then 'day' when 'days' then 'day'
        when 'h' then 'hour' when 'hr' then 'hour' when 'hrs' then 'hour' when 'hours' then 'hour'
        when 'm' then 'minute' when 'min' then 'minute' when 'mins' then 'minute' when 'minutes' then 'minute'
        when 's' then 'second' when 'sec' then 'second' when 'secs' then 'second' when 'seconds' then 'second'
        when 'ms' then 'millisecond' when 'msec' then 'millisecond' when 'msecs' then 'millisecond' when 'msecond' then 'millisecond'
        when 'mseconds' then 'millisecond' when 'millisec' then 'millisecond' when 'millisecs' then 'millisecond'
        when 'millisecon' then 'millisecond' when 'milliseconds' then 'millisecond'
        when 'microsec' then 'microsecond' when 'microsecs' then 'microsecond' when 'microseconds' then 'microsecond'
        when 'usecond' then 'microsecond' when 'useconds' then 'microsecond' when 'us' then 'microsecond' when 'usec' then 'microsecond'
        when 'usecs' then 'microsecond'
        else lower(unit) end $$;

-- A day that the month lacks becomes its last day; a 29th of February that the year lacks becomes the 1st of March.
create or replace function pg_catalog.date_add(unit text, n bigint, at timestamp) returns timestamp
language plpgsql immutable strict as $$
declare
    part text := pg_catalog.redshift_unit(unit);
    moved timestamp;
begin
    case part
        when 'millennium' then moved := at + n * interval '1000 years';
        when 'century' then moved := at + n * interval '100 years';
        when 'decade' then moved := at + n * interval '10 years';
        when 'year' then moved := at + n * interval '1 year';
        when 'quarter' then return at + n * interval '3 months';
        when 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond', 'microsecond' then
            return at + n * ('1 ' || part)::interval;
        when 'dow', 'doy' then return at + n * interval '1 day';
        else raise exception 'timestamp units "%" not recognized', unit using errcode = '22023';
    end case;
    return moved + case when redshift_hidden.date_part('day', moved) < redshift_hidden.date_part('day', at) then interval '1 day' else interval '0' end;
end $$;
create or replace function pg_catalog.last_day(at timestamp) returns date language sql immutable strict as
    $$ select (date_trunc('month', at) + interval '1 month - 1 day')::date $$;
-- The last day of a month stays the last day.
create or replace function pg_catalog.add_months(at timestamp, n bigint) returns timestamp language sql immutable strict as $$
    select case when pg_catalog.last_day(at) = at::date
        then pg_catalog.last_day(at + n * interval '1 month') + at::time else at + n * interval '1 month' end $$;

-- A part of a timestamp or time: EXTRACT gives an integer, DATE_PART and EXTRACT of a TIMESTAMPTZ double precision.
-- EXTRACT of seconds leaves their fraction out.
create or replace function pg_catalog.redshift_part(unit text, at timestamp) returns float8 language sql immutable strict as $$
    select case pg_catalog.redshift_unit(unit)
        when 'millisecond' then floor(redshift_hidden.date_part('microseconds', at)::bigint % 1000000 / 1000)
        when 'microsecond' then (redshift_hidden.date_part('microseconds', at)::bigint % 1000000)::float8
        when 'decade' then floor(redshift_hidden.date_part('year', at) / 10) + 1
        else redshift_hidden.date_part(pg_catalog.redshift_unit(unit), at) end $$;
create or replace function pg_catalog.redshift_part(unit text, at time) returns float8 language sql immutable strict as
    $$ select pg_catalog.redshift_part(unit, timestamp '1970-01-01' + at) $$;
create or replace function pg_catalog.pgdate_part(unit text, at timestamp) returns float8 language sql immutable strict as
    $$ select pg_catalog.redshift_part(unit, at) $$;
create or replace function pg_catalog.pgdate_part(unit text, at timestamptz) returns float8 language sql stable strict as $$
    select case when pg_catalog.redshift_unit(unit) in ('timezone', 'timezone_hour', 'timezone_minute', 'epoch') then redshift_hidden.date_part(unit, at)
        else pg_catalog.redshift_part(unit, at::timestamp) end $$;
create or replace function pg_catalog.pgdate_part(unit text, at date) returns float8 language sql immutable strict as
    $$ select pg_catalog.redshift_part(unit, at::timestamp) $$;
create or replace function pg_catalog.pgdate_part(unit text, at interval) returns float8 language sql immutable strict as
    $$ select redshift_hidden.date_part(unit, at) $$;
create or replace function pg_catalog.pgdate_part(unit text, at time) returns float8 language sql immutable strict as
    $$ select pg_catalog.redshift_part(unit, at) $$;
-- EXTRACT. A view of an older catalogue may hold the functions of these types whose unit is a TEXT.
create or replace function pg_catalog.date_part(unit varchar, at timestamp) returns int language sql immutable strict as
    $$ select floor(pg_catalog.redshift_part(unit, at))::int $$;
create or replace function pg_catalog.date_part(unit varchar, at timestamptz) returns float8 language sql stable strict as
    $$ select floor(pg_catalog.pgdate_part(unit, at)) $$;
create or replace function pg_catalog.date_part(unit varchar, at date) returns int language sql immutable strict as
    $$ select floor(pg_catalog.redshift_part(unit, at::timestamp))::int $$;
create or replace function pg_catalog.date_part(unit varchar, at time) returns int language sql immutable strict as
    $$ select floor(pg_catalog.redshift_part(unit, at))::int $$;
create or replace function pg_catalog.date_part(unit varchar, at interval) returns numeric language sql immutable strict as
    $$ select redshift_hidden.extract(unit, at) $$;
create or replace function pg_catalog.date_part(unit varchar, at timetz) returns int language sql immutable strict as $$
    select case when pg_catalog.redshift_unit(unit) in ('timezone', 'timezone_hour', 'timezone_minute') then redshift_hidden.date_part(unit, at)
        else floor(pg_catalog.redshift_part(unit, at::time)) end::int $$;

-- Counts the boundaries crossed; weeks begin on Sunday.
create or replace function pg_catalog.date_diff(unit text, a timestamp, b timestamp) returns bigint
language plpgsql immutable strict as $$
declare
    part text := pg_catalog.redshift_unit(unit);
begin
    case part
        when 'year' then return redshift_hidden.date_part('year', b) - redshift_hidden.date_part('year', a);
        when 'quarter' then return redshift_hidden.date_part('year', b) * 4 + redshift_hidden.date_part('quarter', b) - redshift_hidden.date_part('year', a) * 4 - redshift_hidden.date_part('quarter', a);
        when 'month' then return redshift_hidden.date_part('year', b) * 12 + redshift_hidden.date_part('month', b) - redshift_hidden.date_part('year', a) * 12 - redshift_hidden.date_part('month', a);
        when 'week' then return (date_trunc('week', b + interval '1 day')::date - date_trunc('week', a + interval '1 day')::date) / 7;
        when 'day' then return b::date - a::date;
        when 'microsecond' then return pg_catalog.pgdate_part('epoch', b - a) * 1000000;
        when 'millisecond' then return pg_catalog.pgdate_part('epoch', date_trunc('milliseconds', b) - date_trunc('milliseconds', a)) * 1000;
        when 'hour', 'minute', 'second' then
            return pg_catalog.pgdate_part('epoch', date_trunc(part, b) - date_trunc(part, a)) / pg_catalog.pgdate_part('epoch', ('1 ' || part)::interval);
        else raise exception 'timestamp units "%" not recognized', unit using errcode = '22023';
    end case;
end $$;
create or replace function pg_catalog.date_diff(unit text, a timestamptz, b timestamptz) returns bigint
language sql immutable strict as $$ select pg_catalog.date_diff(unit, a at time zone 'UTC', b at time zone 'UTC') $$;
create or replace function pg_catalog.date_trunc(unit text, at date) returns timestamp language sql immutable strict as
    $$ select pg_catalog.date_trunc(unit, at::timestamp) $$;
create or replace function pg_catalog.trunc(at timestamp) returns date language sql immutable strict as $$ select at::date $$;
create or replace function pg_catalog.date_part_year(at date) returns int language sql immutable strict as
    $$ select redshift_hidden.date_part('year', at)::int $$;
create or replace function pg_catalog.months_between(a timestamp, b timestamp) returns float8 language sql immutable strict as $$
    select (redshift_hidden.date_part('year', a) * 12 + redshift_hidden.date_part('month', a) - redshift_hidden.date_part('year', b) * 12 - redshift_hidden.date_part('month', b)
        + case when redshift_hidden.date_part('day', a) = redshift_hidden.date_part('day', b)
            or (pg_catalog.last_day(a) = a::date and pg_catalog.last_day(b) = b::date) then 0
            else (redshift_hidden.date_part('day', a) - redshift_hidden.date_part('day', b)) / 31.0 end)::float8 $$;
create or replace function pg_catalog.convert_timezone(source text, target text, at timestamp) returns timestamp
language sql immutable strict as $$ select at at time zone source at time zone target $$;
create or replace function pg_catalog.convert_timezone(target text, at timestamp) returns timestamp
language sql immutable strict as $$ select at at time zone 'UTC' at time zone target $$;
-- A TIMESTAMPTZ has its own zone: its time in UTC is converted.
create or replace function pg_catalog.convert_timezone(target text, at timestamptz) returns timestamp
language sql immutable strict as $$ select at at time zone target $$;
create or replace function pg_catalog.convert_timezone(source text, target text, at timestamptz) returns timestamp
language sql immutable strict as $$ select (at at time zone 'UTC') at time zone source at time zone target $$;
create or replace function pg_catalog.date_add(unit text, n bigint, at timestamptz) returns timestamptz
language sql immutable strict as $$ select pg_catalog.date_add(unit, n, at at time zone 'UTC') at time zone 'UTC' $$;
create or replace function pg_catalog.date_add(unit text, n bigint, at time) returns time
language sql immutable strict as $$ select pg_catalog.date_add(unit, n, timestamp '2000-01-01' + at)::time $$;
create or replace function pg_catalog.date_diff(unit text, a time, b time) returns bigint
language sql immutable strict as $$ select pg_catalog.date_diff(unit, timestamp '2000-01-01' + a, timestamp '2000-01-01' + b) $$;
-- A TIMETZ counts in UTC.
create or replace function pg_catalog.date_add(unit text, n bigint, at timetz) returns timetz language sql immutable strict as
    $$ select (pg_catalog.date_add(unit, n, (at at time zone 'UTC')::time)::text || '+00')::timetz $$;
create or replace function pg_catalog.date_diff(unit text, a timetz, b timetz) returns bigint language sql immutable strict as
    $$ select pg_catalog.date_diff(unit, (a at time zone 'UTC')::time, (b at time zone 'UTC')::time) $$;
-- A literal or a DATE counts as a TIMESTAMP, whatever other types the function takes.
create or replace function pg_catalog.convert_timezone(target text, at text) returns timestamp
language sql immutable strict as $$ select pg_catalog.convert_timezone(target, at::timestamp) $$;
create or replace function pg_catalog.convert_timezone(target text, at date) returns timestamp
language sql immutable strict as $$ select pg_catalog.convert_timezone(target, at::timestamp) $$;
create or replace function pg_catalog.convert_timezone(source text, target text, at text) returns timestamp
language sql immutable strict as $$ select pg_catalog.convert_timezone(source, target, at::timestamp) $$;
create or replace function pg_catalog.convert_timezone(source text, target text, at date) returns timestamp
language sql immutable strict as $$ select pg_catalog.convert_timezone(source, target, at::timestamp) $$;
create or replace function pg_catalog.date_add(unit text, n bigint, at text) returns timestamp
language sql immutable strict as $$ select pg_catalog.date_add(unit, n, at::timestamp) $$;
create or replace function pg_catalog.date_add(unit text, n bigint, at date) returns timestamp
language sql immutable strict as $$ select pg_catalog.date_add(unit, n, at::timestamp) $$;
