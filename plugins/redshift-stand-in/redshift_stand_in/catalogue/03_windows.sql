-- Aggregates named as their columns are, where PostgreSQL has them under another name, or allows neither WITHIN GROUP
-- nor IGNORE NULLS in a window: the front puts them in place (aggregates.py).
create or replace aggregate redshift_hidden.listagg(text, text) (
    sfunc = redshift_hidden.string_agg_transfn, stype = internal, finalfunc = redshift_hidden.string_agg_finalfn
);
create or replace aggregate redshift_hidden.median(float8 order by float8) (
    sfunc = redshift_hidden.ordered_set_transition, stype = internal, finalfunc = redshift_hidden.percentile_cont_float8_final
);
create or replace function pg_catalog.redshift_second(state anyelement, value anyelement) returns anyelement
language sql immutable strict as $$ select value $$;
create or replace aggregate redshift_hidden.first_value(anyelement) (sfunc = pg_catalog.redshift_first, stype = anyelement);
create or replace aggregate redshift_hidden.last_value(anyelement) (sfunc = pg_catalog.redshift_second, stype = anyelement);
create or replace aggregate redshift_hidden.lead(anyelement) (sfunc = pg_catalog.redshift_first, stype = anyelement);
create or replace aggregate redshift_hidden.lag(anyelement) (sfunc = pg_catalog.redshift_second, stype = anyelement);

-- The fraction comes first, then the values.
create or replace function pg_catalog.redshift_percentile_add(state float8[], value float8, fraction numeric) returns float8[]
language sql immutable as $$
    select case when value is null then state else redshift_hidden.array_append(coalesce(state, array[fraction::float8]), value) end $$;
create or replace function pg_catalog.redshift_percentile(state float8[]) returns float8 language sql immutable as
    $$ select percentile_cont(state[1]) within group (order by v) from redshift_hidden.unnest(state[2:]) as v $$;
create or replace aggregate redshift_hidden.percentile_cont(float8, numeric) (
    sfunc = pg_catalog.redshift_percentile_add, stype = float8[], finalfunc = pg_catalog.redshift_percentile
);
create or replace aggregate redshift_hidden.median(float8, numeric) (
    sfunc = pg_catalog.redshift_percentile_add, stype = float8[], finalfunc = pg_catalog.redshift_percentile
);
