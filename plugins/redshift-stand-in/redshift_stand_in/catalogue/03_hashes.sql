-- Hashes and bits. Source: "Hash functions", "VARBYTE type" and "Binary functions" in the Developer Guide.
-- Only pgcrypto's digest is wanted: the whole extension would add functions under names that PostgreSQL already has.
create or replace function redshift_hidden.digest(redshift_hidden.bytea, text) returns redshift_hidden.bytea
language c immutable strict as '$libdir/pgcrypto', 'pg_digest';
create or replace function pg_catalog.sha1(value text) returns varchar language sql immutable strict as
    $$ select redshift_hidden.encode(redshift_hidden.digest(redshift_hidden.convert_to(value, 'UTF8'), 'sha1'), 'hex')::varchar $$;
create or replace function pg_catalog.sha(value text) returns varchar language sql immutable strict as $$ select pg_catalog.sha1(value) $$;
create or replace function pg_catalog.func_sha1(value text) returns varchar language sql immutable strict as $$ select pg_catalog.sha1(value) $$;

-- FNV-1a of 64 bits over the value's bytes, integers in little-endian order.
create or replace function pg_catalog.redshift_fnv(bytes redshift_hidden.bytea, seed bigint) returns bigint language plpgsql immutable strict as $$
declare
    hash bigint := seed;
    product numeric;
begin
    for i in 0 .. redshift_hidden.octet_length(bytes) - 1 loop
        hash := hash # redshift_hidden.get_byte(bytes, i);
        product := (hash::numeric * 1099511628211) % 18446744073709551616;
        product := product + case when product < 0 then 18446744073709551616 else 0 end;
        hash := product - case when product >= 9223372036854775808 then 18446744073709551616 else 0 end;
    end loop;
    return hash;
end $$;
create or replace function pg_catalog.redshift_reversed(bytes redshift_hidden.bytea) returns text language sql immutable strict as $$
    select redshift_hidden.string_agg(redshift_hidden.encode(redshift_hidden.substring(bytes, i, 1), 'hex'), '' order by i desc)
    from pg_catalog.generate_series(1, redshift_hidden.octet_length(bytes)) as i $$;
create or replace function pg_catalog.fnv_hash(value text, seed bigint default -3750763034362895579) returns bigint language sql immutable strict as
    $$ select pg_catalog.redshift_fnv(redshift_hidden.convert_to(value, 'UTF8'), seed) $$;
create or replace function pg_catalog.fnv_hash(value varbyte, seed bigint default -3750763034362895579) returns bigint language sql immutable strict as
    $$ select pg_catalog.redshift_fnv(value::redshift_hidden.bytea, seed) $$;
create or replace function pg_catalog.fnv_hash(value smallint, seed bigint default -3750763034362895579) returns bigint language sql immutable strict as
    $$ select pg_catalog.redshift_fnv(redshift_hidden.decode(pg_catalog.redshift_reversed(redshift_hidden.int2send(value)), 'hex'), seed) $$;
create or replace function pg_catalog.fnv_hash(value int, seed bigint default -3750763034362895579) returns bigint language sql immutable strict as
    $$ select pg_catalog.redshift_fnv(redshift_hidden.decode(pg_catalog.redshift_reversed(redshift_hidden.int4send(value)), 'hex'), seed) $$;
create or replace function pg_catalog.fnv_hash(value bigint, seed bigint default -3750763034362895579) returns bigint language sql immutable strict as
    $$ select pg_catalog.redshift_fnv(redshift_hidden.decode(pg_catalog.redshift_reversed(redshift_hidden.int8send(value)), 'hex'), seed) $$;
create or replace function pg_catalog.crc32(value text) returns char(8) language plpgsql immutable strict as $$
declare
    bytes redshift_hidden.bytea := redshift_hidden.convert_to(value, 'UTF8');
    crc bigint := 4294967295;
begin
    for i in 0 .. redshift_hidden.octet_length(bytes) - 1 loop
        crc := crc # redshift_hidden.get_byte(bytes, i);
        for bit in 1 .. 8 loop
            crc := (crc >> 1) # ((crc & 1) * 3988292384);
        end loop;
    end loop;
    return lpad(to_hex(crc # 4294967295), 8, '0');
end $$;

-- Bits are numbered from the right, from 0.
create or replace function pg_catalog.getbit(value varbyte, index int) returns int language sql immutable strict as $$
    select redshift_hidden.get_byte(value::redshift_hidden.bytea, redshift_hidden.octet_length(value::redshift_hidden.bytea) - 1 - index / 8)
        >> (index % 8) & 1 $$;
create or replace function pg_catalog.substring(value varbyte, first int, bytes int) returns varbyte language sql immutable strict as
    $$ select redshift_hidden.substring(value::redshift_hidden.bytea, first, bytes)::varbyte $$;
create or replace function pg_catalog.substring(value varbyte, first int) returns varbyte language sql immutable strict as
    $$ select redshift_hidden.substring(value::redshift_hidden.bytea, first)::varbyte $$;
create or replace function pg_catalog.redshift_varbyte_concat(varbyte, varbyte) returns varbyte language internal immutable strict as 'byteacat';
do $$ begin
    if not exists (select 1 from pg_operator where oprname = '||' and oprleft = 6551) then
        create operator pg_catalog.|| (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_concat);
    end if;
end $$;
