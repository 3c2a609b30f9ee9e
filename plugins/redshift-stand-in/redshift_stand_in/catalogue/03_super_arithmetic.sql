-- Arithmetic of SUPER, which gives SUPER: NULL for what is no number. A float makes the result one; decimals follow their scales.
-- Source: "Operators and functions" of semi-structured data, "Computations with numeric values" in the Developer Guide.
create or replace function pg_catalog.redshift_super_result(value numeric) returns super language plpgsql immutable strict as $$
begin
    if length(ltrim(translate(abs(value)::text, '.', ''), '0')) > 38 then
        raise exception 'Numeric data overflow (result precision)' using errcode = '22003';
    end if;
    return pg_catalog.redshift_to_super(value);
end $$;
create or replace function pg_catalog.redshift_super_float(value super) returns float8 language plpgsql immutable strict as
    $$ begin return case when pg_catalog.redshift_super_type(value) = 'number' then pg_catalog.redshift_super_text(value)::float8 end; end $$;
-- The scale is four at least, or that of a with the digits of b before its point, and one more.
create or replace function pg_catalog.redshift_quotient(a numeric, b numeric) returns numeric language plpgsql immutable strict as $$
declare
    digits int := length(ltrim(translate(abs(b)::text, '.', ''), '0')) - redshift_hidden.scale(b);
begin
    return round(a / b, greatest(4, redshift_hidden.scale(a) + digits + 1));
end $$;

do $do$
declare
    operation record;
    other text;
begin
    for operation in select * from (values
        ('add', '+', 'x + y', 'f + g', 'pg_catalog.redshift_super_scalar(a) || pg_catalog.redshift_super_scalar(b)'),
        ('subtract', '-', 'x - y', 'f - g', 'null'),
        ('multiply', '*', 'x * y', 'f * g', 'null'),
        ('divide', '/', 'pg_catalog.redshift_quotient(x, y)', 'f / g', 'null'),
        ('modulo', '%', 'x % y', 'null', 'null')
    ) as t (name, sign, of_decimals, of_floats, of_strings)
    loop
        execute format($sql$
            create or replace function pg_catalog.redshift_super_%1$s(a super, b super) returns super language plpgsql immutable strict as $$
            declare
                x numeric := pg_catalog.redshift_super_decimal(a);
                y numeric := pg_catalog.redshift_super_decimal(b);
                f float8 := pg_catalog.redshift_super_float(a);
                g float8 := pg_catalog.redshift_super_float(b);
            begin
                if x is not null and y is not null then
                    return pg_catalog.redshift_super_result(%2$s);
                elsif pg_catalog.redshift_super_type(a) = 'string' and pg_catalog.redshift_super_type(b) = 'string' then
                    return pg_catalog.redshift_to_super((%4$s)::text);
                end if;
                return pg_catalog.redshift_to_super((%3$s)::float8);
            end $$ $sql$, operation.name, operation.of_decimals, operation.of_floats, operation.of_strings);
        if not exists (select 1 from pg_operator where oprname = operation.sign and oprleft = 4000 and oprright = 4000) then
            execute format('create operator pg_catalog.%s (leftarg = super, rightarg = super, function = pg_catalog.redshift_super_%s)',
                operation.sign, operation.name);
        end if;
        foreach other in array array['smallint', 'int', 'bigint', 'numeric', 'real', 'float8'] loop
            execute format('create or replace function pg_catalog.redshift_super_%1$s(a super, b %2$s) returns super language plpgsql immutable strict as '
                '$$ begin return pg_catalog.redshift_super_%1$s(a, b::super); end $$', operation.name, other);
            execute format('create or replace function pg_catalog.redshift_super_%1$s(a %2$s, b super) returns super language plpgsql immutable strict as '
                '$$ begin return pg_catalog.redshift_super_%1$s(a::super, b); end $$', operation.name, other);
            if not exists (select 1 from pg_operator where oprname = operation.sign and oprleft = 4000 and oprright = other::regtype) then
                execute format('create operator pg_catalog.%s (leftarg = super, rightarg = %s, function = pg_catalog.redshift_super_%s)',
                    operation.sign, other, operation.name);
                execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = super, function = pg_catalog.redshift_super_%s)',
                    operation.sign, other, operation.name);
            end if;
        end loop;
    end loop;
    foreach other in array array['abs', 'ceil', 'ceiling', 'floor', 'round', 'trunc', '+', '-'] loop
        execute format($sql$
            create or replace function pg_catalog.%1$s(value super) returns super language plpgsql immutable strict as $$
            begin
                return coalesce(
                    pg_catalog.redshift_super_result(%2$s(pg_catalog.redshift_super_decimal(value))),
                    pg_catalog.redshift_to_super(%2$s(pg_catalog.redshift_super_float(value)))
                );
            end $$ $sql$, case other when '+' then 'redshift_super_plus' when '-' then 'redshift_super_minus' else other end, other);
    end loop;
    if not exists (select 1 from pg_operator where oprname = '-' and oprleft = 0 and oprright = 4000) then
        create operator pg_catalog.+ (rightarg = super, function = pg_catalog.redshift_super_plus);
        create operator pg_catalog.- (rightarg = super, function = pg_catalog.redshift_super_minus);
    end if;
end $do$;
