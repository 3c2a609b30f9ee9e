-- Materialized views: a view reads a table, which a hidden view (its query) fills.
create table if not exists redshift_meta.materialized_views (
    view oid primary key, storage oid not null, query oid not null, definition text not null, autorefresh boolean not null,
    incremental boolean not null, mutable boolean not null, autorewrite boolean not null, state int not null default 0
);
-- What its query reads, as it was when the view was made: it can be refreshed as long as that stays.
create table if not exists redshift_meta.mv_bases (
    view oid, tbl oid, schema_name name, table_name name, primary key (view, tbl)
);
create table if not exists redshift_meta.mv_columns (view oid, tbl oid, attnum smallint, name name, type oid, typmod int);
create index if not exists mv_columns_view on redshift_meta.mv_columns (view);
-- Changes that no refresh has seen. A refresh deletes those that are in its snapshot, and no others.
create table if not exists redshift_meta.mv_changes (view oid, recompute boolean);
create index if not exists mv_changes_view on redshift_meta.mv_changes (view);
create table if not exists redshift_meta.mv_refreshes (
    userid int, session int, view oid, schema_name name, name name, status text, start_time timestamp, end_time timestamp
);
create table if not exists redshift_meta.mv_events (
    userid int, start_time timestamp, event text, table_schema name, table_name name, schema_name name, name name, state text
);
grant select on redshift_meta.materialized_views, redshift_meta.mv_bases to public;
