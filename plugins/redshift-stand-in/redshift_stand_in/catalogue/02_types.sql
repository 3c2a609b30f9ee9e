-- VARBYTE under the OID that Redshift's drivers expect; PostgreSQL's own functions read and write it.
insert into pg_catalog.pg_type (
    oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined,
    typdelim, typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin,
    typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation
)
select
    6551, 'varbyte', 11, 10, -1, false, 'b', 'U', false, true,
    ',', 0, 0::regproc, 0, 0, 'byteain'::regproc, 'byteaout'::regproc, 'bytearecv'::regproc, 'byteasend'::regproc,
    'varchartypmodin'::regproc, 'varchartypmodout'::regproc, 0::regproc, 'i', 'x', false, 0, -1, 0, 0
where not exists (select 1 from pg_catalog.pg_type where oid = 6551);

create or replace function pg_catalog.redshift_varbyte(value varbyte, typmod int, explicit boolean) returns varbyte
language plpgsql immutable strict as $$
begin
    if typmod < 4 or redshift_hidden.octet_length(value::redshift_hidden.bytea) <= typmod - 4 then
        return value;
    elsif explicit then
        return redshift_hidden.substring(value::redshift_hidden.bytea, 1, typmod - 4)::varbyte;
    end if;
    raise exception 'value too long for type binary varying(%)', typmod - 4 using errcode = '22001';
end $$;

do $$ begin
    if not exists (select 1 from pg_cast where castsource = 6551) then
        create cast (varbyte as redshift_hidden.bytea) without function as assignment;
        create cast (redshift_hidden.bytea as varbyte) without function as assignment;
        create cast (varbyte as varbyte) with function pg_catalog.redshift_varbyte(varbyte, int, boolean) as implicit;
    end if;
end $$;

create or replace function pg_catalog.redshift_to_varbyte(value varchar) returns varbyte
language sql immutable strict as $$ select redshift_hidden.convert_to(value, 'UTF8')::varbyte $$;
create or replace function pg_catalog.redshift_from_varbyte(value varbyte) returns varchar
language sql immutable strict as $$ select redshift_hidden.convert_from(value::redshift_hidden.bytea, 'UTF8')::varchar $$;
do $$ begin
    if not exists (select 1 from pg_cast where castsource = 1043 and casttarget = 6551) then
        create cast (varchar as varbyte) with function pg_catalog.redshift_to_varbyte(varchar);
        create cast (varbyte as varchar) with function pg_catalog.redshift_from_varbyte(varbyte);
    end if;
end $$;

create or replace function pg_catalog.redshift_from_bits(bits text) returns varbyte language plpgsql immutable strict as $$
declare
    digits text := '';
    whole text := repeat('0', (8 - length(bits) % 8) % 8) || bits;
begin
    for i in 0 .. length(whole) / 8 - 1 loop
        digits := digits || lpad(to_hex(pg_catalog.strtol(substr(whole, i * 8 + 1, 8), 2)), 2, '0');
    end loop;
    return redshift_hidden.decode(digits, 'hex')::varbyte;
end $$;
create or replace function pg_catalog.redshift_to_bits(value varbyte) returns varchar language plpgsql immutable strict as $$
declare
    bytes redshift_hidden.bytea := value::redshift_hidden.bytea;
    bits text := '';
begin
    for i in 0 .. 8 * redshift_hidden.octet_length(bytes) - 1 loop
        bits := bits || (redshift_hidden.get_byte(bytes, i / 8) >> (7 - i % 8) & 1)::text;
    end loop;
    return bits;
end $$;
create or replace function pg_catalog.to_varbyte(value varchar, format varchar) returns varbyte
language plpgsql immutable strict as $$
begin
    case lower(format)
        when 'hex' then return redshift_hidden.decode(repeat('0', length(value) % 2) || value, 'hex')::varbyte;
        when 'binary' then return pg_catalog.redshift_from_bits(value);
        when 'base64' then return redshift_hidden.decode(value, 'base64')::varbyte;
        when 'utf8', 'utf-8' then return redshift_hidden.convert_to(value, 'UTF8')::varbyte;
        else raise exception 'invalid format "%" for TO_VARBYTE', format using errcode = '22023';
    end case;
end $$;
create or replace function pg_catalog.from_varbyte(value varbyte, format varchar) returns varchar
language plpgsql immutable strict as $$
begin
    case lower(format)
        when 'hex' then return redshift_hidden.encode(value::redshift_hidden.bytea, 'hex');
        when 'binary' then return pg_catalog.redshift_to_bits(value);
        when 'base64' then return redshift_hidden.encode(value::redshift_hidden.bytea, 'base64');
        when 'utf8', 'utf-8' then return redshift_hidden.convert_from(value::redshift_hidden.bytea, 'UTF8');
        else raise exception 'invalid format "%" for FROM_VARBYTE', format using errcode = '22023';
    end case;
end $$;
create or replace function pg_catalog.from_hex(value varchar) returns varbyte
language sql immutable strict as $$ select redshift_hidden.decode(value, 'hex')::varbyte $$;
create or replace function pg_catalog.to_hex(value varbyte) returns varchar
language sql immutable strict as $$ select redshift_hidden.encode(value::redshift_hidden.bytea, 'hex')::varchar $$;
create or replace function pg_catalog.len(value varbyte) returns int
language sql immutable strict as $$ select redshift_hidden.octet_length(value::redshift_hidden.bytea) $$;
create or replace function pg_catalog.length(value varbyte) returns int
language sql immutable strict as $$ select redshift_hidden.octet_length(value::redshift_hidden.bytea) $$;
create or replace function pg_catalog.octet_length(value varbyte) returns int
language sql immutable strict as $$ select redshift_hidden.octet_length(value::redshift_hidden.bytea) $$;
create or replace function pg_catalog.md5(value varbyte) returns varchar
language sql immutable strict as $$ select redshift_hidden.md5(value::redshift_hidden.bytea)::varchar $$;

-- Comparison of VARBYTE, by PostgreSQL's functions for the same representation.
create or replace function pg_catalog.redshift_varbyte_eq(varbyte, varbyte) returns boolean language internal immutable strict as 'byteaeq';
create or replace function pg_catalog.redshift_varbyte_ne(varbyte, varbyte) returns boolean language internal immutable strict as 'byteane';
create or replace function pg_catalog.redshift_varbyte_lt(varbyte, varbyte) returns boolean language internal immutable strict as 'bytealt';
create or replace function pg_catalog.redshift_varbyte_le(varbyte, varbyte) returns boolean language internal immutable strict as 'byteale';
create or replace function pg_catalog.redshift_varbyte_gt(varbyte, varbyte) returns boolean language internal immutable strict as 'byteagt';
create or replace function pg_catalog.redshift_varbyte_ge(varbyte, varbyte) returns boolean language internal immutable strict as 'byteage';
create or replace function pg_catalog.redshift_varbyte_cmp(varbyte, varbyte) returns int language internal immutable strict as 'byteacmp';
create or replace function pg_catalog.redshift_varbyte_hash(varbyte) returns int language internal immutable strict as 'hashvarlena';
do $$ begin
    if not exists (select 1 from pg_operator where oprleft = 6551) then
        create operator pg_catalog.= (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_eq,
            commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>), restrict = eqsel, join = eqjoinsel, hashes, merges);
        create operator pg_catalog.<> (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_ne,
            commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=), restrict = neqsel, join = neqjoinsel);
        create operator pg_catalog.< (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_lt,
            commutator = operator(pg_catalog.>), negator = operator(pg_catalog.>=), restrict = scalarltsel, join = scalarltjoinsel);
        create operator pg_catalog.<= (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_le,
            commutator = operator(pg_catalog.>=), negator = operator(pg_catalog.>), restrict = scalarlesel, join = scalarlejoinsel);
        create operator pg_catalog.> (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_gt,
            commutator = operator(pg_catalog.<), negator = operator(pg_catalog.<=), restrict = scalargtsel, join = scalargtjoinsel);
        create operator pg_catalog.>= (leftarg = varbyte, rightarg = varbyte, function = pg_catalog.redshift_varbyte_ge,
            commutator = operator(pg_catalog.<=), negator = operator(pg_catalog.<), restrict = scalargesel, join = scalargejoinsel);
        create operator class pg_catalog.varbyte_ops default for type varbyte using btree as
            operator 1 pg_catalog.<, operator 2 pg_catalog.<=, operator 3 pg_catalog.=, operator 4 pg_catalog.>=,
            operator 5 pg_catalog.>, function 1 pg_catalog.redshift_varbyte_cmp(varbyte, varbyte);
        create operator class pg_catalog.varbyte_ops default for type varbyte using hash as
            operator 1 pg_catalog.=, function 1 pg_catalog.redshift_varbyte_hash(varbyte);
    end if;
end $$;

-- Lengths of VARCHAR and CHAR are in bytes; CHAR holds single-byte characters.
create or replace function pg_catalog.redshift_cut(value text, bytes int, explicit boolean, kind text) returns text
language plpgsql immutable strict as $$
declare
    encoded redshift_hidden.bytea := redshift_hidden.convert_to(value, 'UTF8');
    behind int := bytes;
begin
    if not explicit and octet_length(rtrim(value, ' ')) > bytes then
        raise exception 'value too long for type %(%)', kind, bytes using errcode = '22001';
    end if;
    while behind > 0 and (redshift_hidden.get_byte(encoded, behind) & 192) = 128 loop
        behind := behind - 1;
    end loop;
    return redshift_hidden.convert_from(redshift_hidden.substring(encoded, 1, behind), 'UTF8');
end $$;

-- Not a SQL function: an inlined one would lose the length in CREATE TABLE AS.
create or replace function pg_catalog.redshift_varchar(value varchar, typmod int, explicit boolean) returns varchar
language plpgsql immutable strict as $$
begin
    if typmod < 4 or octet_length(value) <= typmod - 4 then
        return value;
    end if;
    return pg_catalog.redshift_cut(value, typmod - 4, explicit, 'character varying');
end $$;

create or replace function pg_catalog.redshift_char(value bpchar, typmod int, explicit boolean) returns bpchar
language plpgsql immutable strict as $$
begin
    if octet_length(value::text) <> char_length(value::text) then
        raise exception 'Multibyte character not supported for CHAR (Hint: Try using VARCHAR)' using errcode = '22021';
    end if;
    return pg_catalog.bpchar(value, typmod, explicit);
end $$;
update pg_catalog.pg_cast set castfunc = 'pg_catalog.redshift_varchar'::regproc where castsource = 1043 and casttarget = 1043;
update pg_catalog.pg_cast set castfunc = 'pg_catalog.redshift_char'::regproc where castsource = 1042 and casttarget = 1042;

-- Trailing blanks are ignored when strings are compared, as PostgreSQL's functions for CHAR do.
update pg_catalog.pg_operator o set oprcode = m.new::regproc
from (values ('=', 'bpchareq'), ('<>', 'bpcharne'), ('<', 'bpcharlt'), ('<=', 'bpcharle'), ('>', 'bpchargt'), ('>=', 'bpcharge'))
    as m (name, new)
where o.oprname = m.name and o.oprleft = 'text'::regtype and o.oprright = 'text'::regtype;
update pg_catalog.pg_amproc p set amproc = m.new::regproc
from (values
    ('bttextcmp', 'bpcharcmp'), ('bttextsortsupport', 'bpchar_sortsupport'),
    ('hashtext', 'hashbpchar'), ('hashtextextended', 'hashbpcharextended')
) as m (old, new)
where p.amproc = m.old::regproc and p.amproclefttype = 'text'::regtype and p.amprocrighttype = 'text'::regtype;

-- CREATE TABLE AS must not leave types that Redshift does not have.
create or replace function pg_catalog.redshift_settle_types(tbl oid) returns void
language plpgsql security definer set search_path = pg_catalog, redshift_hidden as $$
declare
    strange record;
begin
    if not pg_has_role(session_user, (select relowner from pg_class where oid = tbl), 'member') then
        raise exception 'must be owner of %', tbl::regclass using errcode = '42501';
    end if;
    update pg_attribute set atttypid = 1043, atttypmod = 65539
    where attrelid = tbl and attnum > 0 and (atttypid = 25 or (atttypid = 1043 and atttypmod = -1));
    select attname, format_type(atttypid, atttypmod) as kind into strange from pg_attribute
    where attrelid = tbl and attnum > 0 and not attisdropped
        and atttypid not in (16, 20, 21, 23, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1266, 1700, 4000, 6551);
    if found then
        raise exception 'Column "%.%" has unsupported type "%".', tbl::regclass, strange.attname, strange.kind using errcode = '0A000';
    end if;
end $$;
