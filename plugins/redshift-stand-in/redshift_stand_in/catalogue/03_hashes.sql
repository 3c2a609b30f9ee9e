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
-- By the polynomial of CRC-32C, from its lowest bit ("CRC32 function").
create or replace function pg_catalog.crc32(value text) returns char(8) language plpgsql immutable strict as $$
declare
    bytes redshift_hidden.bytea := redshift_hidden.convert_to(value, 'UTF8');
    crc bigint := 4294967295;
begin
    for i in 0 .. redshift_hidden.octet_length(bytes) - 1 loop
        crc := crc # redshift_hidden.get_byte(bytes, i);
        for bit in 1 .. 8 loop
            crc := (crc >> 1) # ((crc & 1) * 2197175160);
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
create or replace function pg_catalog.concat(a varbyte, b varbyte) returns varbyte language sql immutable strict as $$ select a || b $$;

-- Bit by bit ("VARBYTE operators"); both have the same length.
create or replace function pg_catalog.redshift_varbyte_bits(a varbyte, b varbyte, operator text) returns varbyte language plpgsql immutable strict as $$
declare
    left_bytes redshift_hidden.bytea := a::redshift_hidden.bytea;
    right_bytes redshift_hidden.bytea := b::redshift_hidden.bytea;
    x int;
    y int;
begin
    if redshift_hidden.octet_length(left_bytes) <> redshift_hidden.octet_length(right_bytes) then
        raise exception 'VARBYTE values of different lengths cannot be combined bit by bit' using errcode = '22026';
    end if;
    for i in 0 .. redshift_hidden.octet_length(left_bytes) - 1 loop
        x := redshift_hidden.get_byte(left_bytes, i);
        y := redshift_hidden.get_byte(right_bytes, i);
        left_bytes := redshift_hidden.set_byte(left_bytes, i, case operator when '&' then x & y when '|' then x | y else x # y end);
    end loop;
    return left_bytes::varbyte;
end $$;
create or replace function pg_catalog.redshift_varbyte_and(a varbyte, b varbyte) returns varbyte language sql immutable strict as
    $$ select pg_catalog.redshift_varbyte_bits(a, b, '&') $$;
create or replace function pg_catalog.redshift_varbyte_or(a varbyte, b varbyte) returns varbyte language sql immutable strict as
    $$ select pg_catalog.redshift_varbyte_bits(a, b, '|') $$;
create or replace function pg_catalog.redshift_varbyte_xor(a varbyte, b varbyte) returns varbyte language sql immutable strict as
    $$ select pg_catalog.redshift_varbyte_bits(a, b, '#') $$;
create or replace function pg_catalog.redshift_varbyte_not(a varbyte) returns varbyte language sql immutable strict as $$
    select pg_catalog.redshift_varbyte_bits(
        a, redshift_hidden.decode(repeat('ff', redshift_hidden.octet_length(a::redshift_hidden.bytea)), 'hex')::varbyte, '#') $$;
create or replace function pg_catalog.redshift_to_varbyte(value smallint) returns varbyte language sql immutable strict as
    $$ select redshift_hidden.int2send(value)::varbyte $$;
create or replace function pg_catalog.redshift_to_varbyte(value int) returns varbyte language sql immutable strict as
    $$ select redshift_hidden.int4send(value)::varbyte $$;
create or replace function pg_catalog.redshift_to_varbyte(value bigint) returns varbyte language sql immutable strict as
    $$ select redshift_hidden.int8send(value)::varbyte $$;
do $$ begin
    if not exists (select 1 from pg_operator where oprname = '&' and oprleft = 6551) then
        create operator pg_catalog.+ (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_concat);
        create operator pg_catalog.& (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_and);
        create operator pg_catalog.| (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_or);
        create operator pg_catalog.# (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_xor);
        create operator pg_catalog.~ (rightarg = varbyte, function = pg_catalog.redshift_varbyte_not);
    end if;
    if not exists (select 1 from pg_cast where castsource = 'int'::regtype and casttarget = 6551) then
        create cast (smallint as varbyte) with function pg_catalog.redshift_to_varbyte(smallint);
        create cast (int as varbyte) with function pg_catalog.redshift_to_varbyte(int);
        create cast (bigint as varbyte) with function pg_catalog.redshift_to_varbyte(bigint);
    end if;
end $$;
