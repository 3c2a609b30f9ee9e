-- What Redshift knows about tables, views and loads, and PostgreSQL has no place for.
create schema if not exists redshift_meta;
grant usage, create on schema redshift_meta to public;

create table if not exists redshift_meta.table_attributes (
    tbl oid primary key, diststyle text, distkey text, sorttype text, sortkeys text[], backup boolean
);
create table if not exists redshift_meta.encodings (
    tbl oid, col name, encoding text, primary key (tbl, col)
);
-- A key is, besides, a CHECK of PostgreSQL's that is always true: it has the key's name and columns, and goes with them.
create table if not exists redshift_meta.keys (
    tbl oid, name name, kind "char", parent oid, parent_columns smallint[], primary key (tbl, name)
);
create table if not exists redshift_meta.late_binding_views (
    view oid primary key, body text not null, aliases text[] not null, sources text not null
);
alter table redshift_meta.late_binding_views add column if not exists definition text;
create sequence if not exists redshift_meta.query_id;

create table if not exists redshift_meta.load_errors (
    userid int, slice int, tbl int, starttime timestamp, session int, query int, filename varchar(256),
    line_number bigint, colname varchar(127), type varchar(127), col_length varchar(10), position int,
    raw_line varchar(1024), raw_field_value varchar(1024), err_code int, err_reason varchar(100),
    is_partial int, start_offset bigint, copy_job_id bigint
);
create table if not exists redshift_meta.load_commits (
    userid int, query int, slice int, name varchar(256), filename varchar(256), byte_offset int,
    lines_scanned int, errors int, curtime timestamp, status int, file_format varchar(16), is_partial int,
    start_offset bigint, copy_job_id bigint
);
create table if not exists redshift_meta.loads (
    userid int, query bigint, session int, tbl int, table_name varchar(128), data_source varchar(256),
    file_format varchar(16), loaded_rows bigint, source_files bigint, status varchar(16),
    start_time timestamp, end_time timestamp, error_message varchar(1024), error_count int,
    transaction_id bigint, query_text varchar(4000)
);
create table if not exists redshift_meta.writes (
    userid int, query bigint, session int, tbl int, verb text, start_time timestamp, end_time timestamp, rows bigint, error_message text,
    query_text text
);
create table if not exists redshift_meta.unloads (
    userid int, query bigint, path varchar(1280), line_count bigint, transfer_size bigint, file_format varchar(16),
    end_time timestamp
);
-- Who may use which IAM role ('*': any) for which command; everybody, until an administrator restricts it.
do $$ begin
    if to_regclass('redshift_meta.assumerole') is null then
        create table redshift_meta.assumerole (
            grantee text, role text, command text, primary key (grantee, role, command)
        );
        insert into redshift_meta.assumerole
        select 'public', '*', unnest(array['COPY', 'UNLOAD', 'EXTERNAL FUNCTION', 'CREATE MODEL']);
    end if;
end $$;
grant select on redshift_meta.table_attributes, redshift_meta.encodings, redshift_meta.keys,
    redshift_meta.late_binding_views to public;
