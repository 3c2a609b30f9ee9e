-- Casts to SUPER and from it; one that fails gives NULL. Source: "Lax semantics" and "Casting limitations" in the Developer Guide.
create or replace function pg_catalog.redshift_to_super(value boolean) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(case when value then 'true' else 'false' end); end $$;
create or replace function pg_catalog.redshift_to_super(value numeric) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(value::text); end $$;
create or replace function pg_catalog.redshift_to_super(value smallint) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(value::text); end $$;
create or replace function pg_catalog.redshift_to_super(value int) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(value::text); end $$;
create or replace function pg_catalog.redshift_to_super(value bigint) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(value::text); end $$;
create or replace function pg_catalog.redshift_to_super(value real) returns super language plpgsql immutable strict
set extra_float_digits = 1 as
    $$ begin return pg_catalog.redshift_super(pg_catalog.redshift_float_text(value::text::float8)); end $$;
create or replace function pg_catalog.redshift_to_super(value float8) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(pg_catalog.redshift_float_text(value)); end $$;
create or replace function pg_catalog.redshift_to_super(value text) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(redshift_hidden.to_json(value)::text); end $$;
create or replace function pg_catalog.redshift_to_super(value bpchar) returns super language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super(redshift_hidden.to_json(value::text)::text); end $$;

-- A number becomes a number as DECIMAL does, a string as VARCHAR does, and what those refuse is NULL.
do $do$
declare
    target record;
begin
    for target in select * from (values
        ('smallint', 'immutable', '(scalar::numeric)', '(scalar = ''true'')::int'),
        ('integer', 'immutable', '(scalar::numeric)', '(scalar = ''true'')::int'),
        ('bigint', 'immutable', '(scalar::numeric)', '(scalar = ''true'')::int'),
        ('real', 'immutable', 'scalar', 'null'),
        ('float8', 'immutable', 'scalar', 'null'),
        ('date', 'stable', 'null', 'null'),
        ('time', 'stable', 'null', 'null'),
        ('timetz', 'stable', 'null', 'null'),
        ('timestamp', 'stable', 'null', 'null'),
        ('timestamptz', 'stable', 'null', 'null')
    ) as t (kind, volatility, of_number, of_boolean)
    loop
        execute format($sql$
            create or replace function pg_catalog.redshift_super_to_%1$s(value super) returns %1$s language plpgsql %2$s strict as $$
            declare
                scalar text := pg_catalog.redshift_super_scalar(value);
            begin
                return case pg_catalog.redshift_super_type(value)
                    when 'number' then %3$s::%1$s when 'string' then scalar::%1$s when 'boolean' then (%4$s)::%1$s end;
            exception when data_exception then
                return null;
            end $$ $sql$, target.kind, target.volatility, target.of_number, target.of_boolean);
    end loop;
end $do$;
create or replace function pg_catalog.redshift_super_to_boolean(value super) returns boolean language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_type(value) = 'boolean' then pg_catalog.redshift_super_text(value) = 'true'
        when redshift_hidden.scale(pg_catalog.redshift_super_decimal(value)) = 0 then pg_catalog.redshift_super_decimal(value) <> 0 end;
end $$;
create or replace function pg_catalog.redshift_super_to_numeric(value super, typmod int, explicit boolean) returns numeric
language plpgsql immutable strict as $$
begin
    if pg_catalog.redshift_super_type(value) in ('number', 'string') then
        return pg_catalog.numeric(pg_catalog.redshift_super_scalar(value)::numeric, typmod);
    end if;
    return null;
exception when data_exception then
    return null;
end $$;
create or replace function pg_catalog.redshift_super_to_text(value super) returns text language plpgsql immutable strict as $$
begin
    return case pg_catalog.redshift_super_type(value)
        when 'string' then pg_catalog.redshift_super_scalar(value)
        when 'number' then coalesce(pg_catalog.redshift_super_decimal(value)::text, pg_catalog.redshift_super_text(value)::float8::text) end;
end $$;
create or replace function pg_catalog.redshift_super_to_varchar(value super, typmod int, explicit boolean) returns varchar
language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_varchar(pg_catalog.redshift_super_to_text(value)::varchar, typmod, true); end $$;
create or replace function pg_catalog.redshift_super_to_char(value super, typmod int, explicit boolean) returns bpchar
language plpgsql immutable strict as $$
begin
    return pg_catalog.redshift_char(pg_catalog.redshift_super_to_text(value)::bpchar, typmod, true);
exception when data_exception then
    return null;
end $$;
do $$ begin
    if not exists (select 1 from pg_cast where castsource = 4000) then
        create cast (boolean as super) with function pg_catalog.redshift_to_super(boolean) as assignment;
        create cast (smallint as super) with function pg_catalog.redshift_to_super(smallint) as assignment;
        create cast (int as super) with function pg_catalog.redshift_to_super(int) as assignment;
        create cast (bigint as super) with function pg_catalog.redshift_to_super(bigint) as assignment;
        create cast (numeric as super) with function pg_catalog.redshift_to_super(numeric) as assignment;
        create cast (real as super) with function pg_catalog.redshift_to_super(real) as assignment;
        create cast (float8 as super) with function pg_catalog.redshift_to_super(float8) as assignment;
        create cast (text as super) with function pg_catalog.redshift_to_super(text) as assignment;
        create cast (varchar as super) with function pg_catalog.redshift_to_super(text) as assignment;
        create cast (bpchar as super) with function pg_catalog.redshift_to_super(bpchar) as assignment;
        create cast (super as boolean) with function pg_catalog.redshift_super_to_boolean(super);
        create cast (super as smallint) with function pg_catalog.redshift_super_to_smallint(super);
        create cast (super as int) with function pg_catalog.redshift_super_to_integer(super);
        create cast (super as bigint) with function pg_catalog.redshift_super_to_bigint(super);
        create cast (super as numeric) with function pg_catalog.redshift_super_to_numeric(super, int, boolean);
        create cast (super as real) with function pg_catalog.redshift_super_to_real(super);
        create cast (super as float8) with function pg_catalog.redshift_super_to_float8(super);
        create cast (super as text) with function pg_catalog.redshift_super_to_text(super);
        create cast (super as varchar) with function pg_catalog.redshift_super_to_varchar(super, int, boolean);
        create cast (super as bpchar) with function pg_catalog.redshift_super_to_char(super, int, boolean);
        create cast (super as date) with function pg_catalog.redshift_super_to_date(super);
        create cast (super as time) with function pg_catalog.redshift_super_to_time(super);
        create cast (super as timetz) with function pg_catalog.redshift_super_to_timetz(super);
        create cast (super as timestamp) with function pg_catalog.redshift_super_to_timestamp(super);
        create cast (super as timestamptz) with function pg_catalog.redshift_super_to_timestamptz(super);
    end if;
end $$;
