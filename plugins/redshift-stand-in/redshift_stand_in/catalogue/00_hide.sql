-- Hides what PostgreSQL has and Redshift lacks: a name that is on no list of allowed/ does not
-- exist. Whatever was bound before, or is looked up by number, goes on working; this catalogue's own
-- functions say redshift_hidden.name.
create schema if not exists redshift_hidden;
grant usage on schema redshift_hidden to public;

update pg_catalog.pg_type t set typnamespace = 'redshift_hidden'::regnamespace
where t.typnamespace = 'pg_catalog'::regnamespace and t.oid < 16384 and t.typtype in ('b', 'd', 'r', 'm')
    and t.typname::text not in (select name from pg_temp.allowed where kind = 'types');

update pg_catalog.pg_operator o set oprnamespace = 'redshift_hidden'::regnamespace
where o.oprnamespace = 'pg_catalog'::regnamespace and o.oid < 16384 and (
    o.oprname::text not in (select name from pg_temp.allowed where kind = 'operators')
    or exists (
        select 1 from pg_type t
        where t.oid in (o.oprleft, o.oprright, o.oprresult) and t.typnamespace = 'redshift_hidden'::regnamespace and t.typcategory <> 'A'
    )
    -- Of arrays, and of anything with a string: see the casts.
    or (o.oprname = '||' and exists (select 1 from pg_type t where t.oid in (o.oprleft, o.oprright) and t.typname like 'any%'))
);

update pg_catalog.pg_proc p set pronamespace = 'redshift_hidden'::regnamespace
where p.pronamespace = 'pg_catalog'::regnamespace and p.oid < 16384 and (
    p.proname::text not in (select name from pg_temp.allowed where kind = 'functions')
    or exists (
        select 1 from pg_type t where t.oid = any (p.proargtypes::oid[] || p.prorettype) and (
            (t.typnamespace = 'redshift_hidden'::regnamespace and (t.typcategory <> 'A' or p.proname not in ('current_schemas', 'array_to_string')))
            or t.typname in ('anyenum', 'anyrange', 'anymultirange')
        )
    )
    -- Redshift has the name with other arguments, or another meaning.
    or (p.proname = 'avg' and p.proargtypes[0] in (20, 21, 23, 1700))
    or (p.proname in ('date_trunc', 'lag', 'lead') and p.pronargs = 3)
    or (p.proname = 'quote_literal' and p.proargtypes[0] = 'anyelement'::regtype)
    or (p.proname = 'age' and p.proargtypes[0] = 'xid'::regtype)
    or (p.proname = 'substring' and p.proargtypes[1] = 'text'::regtype)
    or (p.proname in ('rank', 'dense_rank', 'percent_rank', 'cume_dist') and p.prokind = 'a')
);

update pg_catalog.pg_class c set relnamespace = 'redshift_hidden'::regnamespace
where c.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and c.relkind in ('r', 'v') and c.oid < 16384
    and c.relname::text not in (select name from pg_temp.allowed where kind = 'relations');
-- Their row types are hidden with them, so that others may take the names.
update pg_catalog.pg_type t set typnamespace = 'redshift_hidden'::regnamespace
from pg_catalog.pg_class c
where c.relnamespace = 'redshift_hidden'::regnamespace and t.oid = c.reltype
    and left(t.typname, 1) <> '_';
