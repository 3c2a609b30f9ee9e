-- PostgreSQL's parse tree of a query, and the number of AVG of decimals: see sql/decimals. Null if there is none.
-- Names in brackets replace those of its columns, of which two may be alike.
create or replace function pg_catalog.redshift_query_tree(body text, names text, out tree text, out average oid) language plpgsql as $$
begin
    execute 'create temporary view redshift_probe ' || names || ' as ' || body;
    select r.ev_action::text, 'pg_catalog.avg(pg_catalog.numeric)'::redshift_hidden.regprocedure::oid into tree, average
    from pg_rewrite r where r.ev_class = 'pg_temp.redshift_probe'::regclass;
    drop view pg_temp.redshift_probe;
exception when others then
    null;  -- its types stay as they are
end $$;
