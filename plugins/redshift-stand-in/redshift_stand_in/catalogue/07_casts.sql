-- Casts that Redshift refuses and PostgreSQL would do by way of text. No function has that number: the cast fails
-- when a statement is read, whatever rows there are, and the front says which it was (errors.py).
-- Source: "Type compatibility and conversion" in the Developer Guide.
do $$
declare
    pair record;
begin
    for pair in
        select source, target, (3221225472 + source::bigint * 8192 + target::bigint)::oid as missing
        from (
            select 16 as source, unnest(array[25, 1042, 1043]) as target
            union all
            select unnest(array[25, 1042, 1043]), 16
        ) as pairs
    loop
        update pg_cast set castfunc = pair.missing, castcontext = 'e', castmethod = 'f'
        where castsource = pair.source and casttarget = pair.target;
        if not found then
            insert into pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
            values (pg_nextoid('pg_cast', 'oid', 'pg_cast_oid_index'), pair.source, pair.target, pair.missing, 'e', 'f');
        end if;
    end loop;
end $$;

create or replace function pg_catalog.redshift_boolean(value bigint) returns boolean
language sql immutable strict as $$ select value <> 0 $$;
create or replace function pg_catalog.redshift_boolean(value smallint) returns boolean
language sql immutable strict as $$ select value <> 0 $$;
do $$ begin
    if not exists (select 1 from pg_cast where castsource = 20 and casttarget = 16) then
        create cast (bigint as boolean) with function pg_catalog.redshift_boolean(bigint);
        create cast (smallint as boolean) with function pg_catalog.redshift_boolean(smallint);
    end if;
end $$;

-- Numbers, dates and times become strings where a string is expected: varchar = int, v || 1, len(5), 5 like '5%'.
insert into pg_cast (oid, castsource, casttarget, castfunc, castcontext, castmethod)
select pg_nextoid('pg_cast', 'oid', 'pg_cast_oid_index'), source, 25, 0, 'i', 'i'
from unnest(array[20, 21, 23, 700, 701, 1082, 1083, 1114, 1184, 1266, 1700]) as source
where not exists (select 1 from pg_cast where castsource = source and casttarget = 25);
