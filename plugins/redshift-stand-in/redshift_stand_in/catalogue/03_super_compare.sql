-- Comparison of SUPER: values of different kinds are not equal, and neither is less. ORDER BY puts booleans first, then numbers,
-- strings, arrays and objects. Source: "Dynamic typing" and "Order by" in the Developer Guide.
-- Numbers compare by value, strings without their trailing blanks.
create or replace function pg_catalog.redshift_super_key(value super) returns redshift_hidden.jsonb language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_type(value) = 'string'
        then redshift_hidden.to_jsonb(rtrim(pg_catalog.redshift_super_scalar(value), ' '))
        else pg_catalog.redshift_super_text(value)::redshift_hidden.jsonb end;
end $$;
create or replace function pg_catalog.redshift_super_rank(value super) returns int language plpgsql immutable strict as $$
begin
    return case pg_catalog.redshift_super_type(value)
        when 'boolean' then 1 when 'number' then 2 when 'string' then 3 when 'array' then 4 else 5 end;
end $$;
create or replace function pg_catalog.redshift_super_cmp(a super, b super) returns int language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_rank(a) <> pg_catalog.redshift_super_rank(b)
        then pg_catalog.redshift_super_rank(a) - pg_catalog.redshift_super_rank(b)
        else redshift_hidden.jsonb_cmp(pg_catalog.redshift_super_key(a), pg_catalog.redshift_super_key(b)) end;
end $$;
create or replace function pg_catalog.redshift_super_hash(value super) returns int language plpgsql immutable strict as
    $$ begin return redshift_hidden.jsonb_hash(pg_catalog.redshift_super_key(value)); end $$;
-- NULL where there is no order: between kinds, of arrays and of objects.
create or replace function pg_catalog.redshift_super_order(a super, b super) returns int language plpgsql immutable strict as $$
begin
    return case when pg_catalog.redshift_super_rank(a) = pg_catalog.redshift_super_rank(b) and pg_catalog.redshift_super_rank(a) < 4
        then pg_catalog.redshift_super_cmp(a, b) end;
end $$;

do $do$
declare
    compared record;
    other text;
    others text[] := array['boolean', 'smallint', 'int', 'bigint', 'numeric', 'real', 'float8', 'text'];
    of_others text;
begin
    for compared in select * from (values
        ('eq', '=', 'cmp', '=', '<>', 'eqsel', 'eqjoinsel', ', hashes, merges'), ('ne', '<>', 'cmp', '<>', '=', 'neqsel', 'neqjoinsel', ''),
        ('lt', '<', 'order', '>', '>=', 'scalarltsel', 'scalarltjoinsel', ''), ('le', '<=', 'order', '>=', '>', 'scalarlesel', 'scalarlejoinsel', ''),
        ('gt', '>', 'order', '<', '<=', 'scalargtsel', 'scalargtjoinsel', ''), ('ge', '>=', 'order', '<=', '<', 'scalargesel', 'scalargejoinsel', '')
    ) as t (name, sign, by_function, commutator, negator, restrict_by, join_by, more)
    loop
        execute format('create or replace function pg_catalog.redshift_super_%s(a super, b super) returns boolean language plpgsql immutable strict as '
            '$$ begin return pg_catalog.redshift_super_%s(a, b) %s 0; end $$', compared.name, compared.by_function, compared.sign);
        if not exists (select 1 from pg_operator where oprname = compared.sign and oprleft = 4000 and oprright = 4000 and oprcode <> 0) then
            execute format('create operator pg_catalog.%s (leftarg = super, rightarg = super, function = pg_catalog.redshift_super_%s, '
                'commutator = operator(pg_catalog.%s), negator = operator(pg_catalog.%s), restrict = %s, join = %s%s)',
                compared.sign, compared.name, compared.commutator, compared.negator, compared.restrict_by, compared.join_by, compared.more);
        end if;
        -- A scalar of another type is compared as the SUPER that it would be; VARCHAR by way of text, or varchar = 'x' would be one.
        of_others := case compared.name when 'eq' then ', commutator = operator(pg_catalog.=), restrict = eqsel, join = eqjoinsel, hashes' end;
        foreach other in array others loop
            execute format('create or replace function pg_catalog.redshift_super_%s(a super, b %s) returns boolean language plpgsql immutable strict as '
                '$$ begin return pg_catalog.redshift_super_%s(a, b::super); end $$', compared.name, other, compared.name);
            execute format('create or replace function pg_catalog.redshift_super_%s(a %s, b super) returns boolean language plpgsql immutable strict as '
                '$$ begin return pg_catalog.redshift_super_%s(a::super, b); end $$', compared.name, other, compared.name);
            if not exists (select 1 from pg_operator where oprname = compared.sign and oprleft = 4000 and oprright = other::regtype) then
                execute format('create operator pg_catalog.%s (leftarg = super, rightarg = %s, function = pg_catalog.redshift_super_%s%s)',
                    compared.sign, other, compared.name, of_others);
                execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = super, function = pg_catalog.redshift_super_%s%s)',
                    compared.sign, other, compared.name, of_others);
            end if;
        end loop;
    end loop;
    if not exists (select 1 from pg_opclass where opcintype = 4000) then
        create operator class pg_catalog.super_ops default for type super using btree as
            operator 1 pg_catalog.<, operator 2 pg_catalog.<=, operator 3 pg_catalog.=, operator 4 pg_catalog.>=,
            operator 5 pg_catalog.>, function 1 pg_catalog.redshift_super_cmp(super, super);
        create operator class pg_catalog.super_ops default for type super using hash as
            operator 1 pg_catalog.=, function 1 pg_catalog.redshift_super_hash(super);
    end if;
    -- So that a join with another type can be hashed. Dropping the function takes it out of the family, the operators stay there.
    foreach other in array others loop
        execute format('create or replace function pg_catalog.redshift_super_hash(value %s) returns int language plpgsql immutable strict as '
            '$$ begin return pg_catalog.redshift_super_hash(value::super); end $$', other);
        if not exists (select 1 from pg_amop where amoplefttype = 4000 and amoprighttype = other::regtype) then
            execute format('alter operator family pg_catalog.super_ops using hash add operator 1 pg_catalog.= (super, %1$s), '
                'operator 1 pg_catalog.= (%1$s, super)', other);
        end if;
        if not exists (
            select 1 from pg_amproc p join pg_opfamily f on f.oid = p.amprocfamily
            where f.opfname = 'super_ops' and p.amproclefttype = other::regtype
        ) then
            execute format('alter operator family pg_catalog.super_ops using hash '
                'add function 1 (%1$s, %1$s) pg_catalog.redshift_super_hash(%1$s)', other);
        end if;
    end loop;
end $do$;
