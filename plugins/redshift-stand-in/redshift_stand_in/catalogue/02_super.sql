-- SUPER under the number that Redshift's drivers expect. A value is the character 1 and JSON without blanks. Without that
-- character it is a string: PostgreSQL makes such a value from a literal, with the function that reads TEXT.
-- It counts as a number where PostgreSQL chooses a function for a literal: abs('5') is that of float8 still.
-- Source: "SUPER type", "Loading semistructured data into Amazon Redshift", "SUPER configurations" in the Developer Guide.
insert into pg_catalog.pg_type (
    oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined,
    typdelim, typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin,
    typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation
)
select
    4000, 'super', 11, 10, -1, false, 'b', 'N', false, true,
    ',', 0, 0::regproc, 0, 0, 'textin'::regproc, 'textout'::regproc, 'textrecv'::regproc, 'textsend'::regproc,
    0::regproc, 0::regproc, 0::regproc, 'i', 'x', false, 0, -1, 0, 0
where not exists (select 1 from pg_catalog.pg_type where oid = 4000);

-- What PostgreSQL stores, unchanged.
create or replace function pg_catalog.redshift_super_raw(super) returns text language internal immutable strict as 'byteasend';
create or replace function pg_catalog.redshift_super_from_raw(text) returns super language internal immutable strict as 'byteasend';

create or replace function pg_catalog.redshift_super_text(value super) returns text language plpgsql immutable strict as $$
begin
    return case when ascii(pg_catalog.redshift_super_raw(value)) = 1 then substr(pg_catalog.redshift_super_raw(value), 2)
        else redshift_hidden.to_json(pg_catalog.redshift_super_raw(value))::text end;
end $$;
create or replace function pg_catalog.redshift_super_json(value super) returns redshift_hidden.json
language plpgsql immutable strict as
    $$ begin return pg_catalog.redshift_super_text(value)::redshift_hidden.json; end $$;

-- A value from JSON that has no blanks; JSON's null is NULL.
create or replace function pg_catalog.redshift_super(value text) returns super language plpgsql immutable strict as $$
begin
    if octet_length(value) > 16777216 then
        raise exception 'value too long for type super' using errcode = '22001';
    end if;
    return case when value <> 'null' then pg_catalog.redshift_super_from_raw(chr(1) || value) end;
end $$;

-- A parameter of the database: alter database … set redshift.enable_large_strings_opt_in = 'yes'.
create or replace function pg_catalog.redshift_string_bytes() returns int language plpgsql stable as $$
begin
    return case lower(current_setting('redshift.enable_large_strings_opt_in', true))
        when 'yes' then 16000000 else 65535 end;
end $$;

-- A float is told from a decimal by its exponent: 2.22e+0. It is kept to the last bit, whatever the session shows.
create or replace function pg_catalog.redshift_float_text(value float8) returns text language plpgsql immutable strict
set extra_float_digits = 1 as $$
declare
    plain text;
    digits text;
    exponent int := 0;
begin
    if value = 'nan' or abs(value) = 'infinity' then
        raise exception 'SUPER has no value for %', value using errcode = '22003';
    end if;
    plain := redshift_hidden.trim_scale(abs(value::text::numeric))::text;
    if plain <> '0' and left(plain, 1) = '0' then
        exponent := length(ltrim(plain, '0.')) - length(plain) + 1;
    elsif plain <> '0' then
        exponent := length(split_part(plain, '.', 1)) - 1;
    end if;
    digits := rtrim(ltrim(translate(plain, '.', ''), '0'), '0');
    return case when value < 0 then '-' else '' end || coalesce(nullif(left(digits, 1), ''), '0')
        || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end
        || 'e' || case when exponent < 0 then '-' else '+' end || abs(exponent)::text;
end $$;

-- JSON without blanks, its keys in their order.
create or replace function pg_catalog.redshift_compact(value redshift_hidden.json) returns text language plpgsql immutable strict as $$
declare
    result text;
    attributes bigint := 0;
    names bigint := 0;
begin
    case redshift_hidden.json_typeof(value)
        when 'object' then
            select '{' || coalesce(redshift_hidden.string_agg(
                redshift_hidden.to_json(key)::text || ':' || pg_catalog.redshift_compact(item), ',' order by at), '') || '}',
                count(*), count(distinct redshift_hidden.convert_to(key, 'UTF8'))
            into result, attributes, names
            from redshift_hidden.json_each(value) with ordinality as e (key, item, at);
        when 'array' then
            select '[' || coalesce(redshift_hidden.string_agg(pg_catalog.redshift_compact(item), ',' order by at), '') || ']'
            into result
            from redshift_hidden.json_array_elements(value) with ordinality as e (item, at);
        when 'string' then
            result := redshift_hidden.json_extract_path_text(value, variadic array[]::text[]);
            if octet_length(result) > 65535 and octet_length(result) > pg_catalog.redshift_string_bytes() then
                raise exception 'a string in JSON is longer than % bytes', pg_catalog.redshift_string_bytes()
                    using errcode = '22001';
            end if;
            result := redshift_hidden.to_json(result)::text;
        else
            result := btrim(value::text, chr(9) || chr(10) || chr(13) || ' ');
            if left(result, 1) not in ('t', 'f', 'n') and strpos(lower(result), 'e') > 0 then
                result := pg_catalog.redshift_float_text(result::float8);
            end if;
    end case;
    if attributes <> names then
        raise exception 'an attribute name appears twice in a JSON object' using errcode = '22023';
    end if;
    return result;
end $$;
