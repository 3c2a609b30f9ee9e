-- What statements have written (history.py), and loaded. Users see their own, superusers all.
create or replace view pg_catalog.redshift_writes as
select userid, query, session, tbl, verb, start_time, end_time, rows, error_message, query_text from redshift_meta.writes
union all
select userid, query, session, tbl, 'COPY', start_time, end_time, loaded_rows, case status when 'completed' then '' else error_message end, query_text
from redshift_meta.loads;
-- An update deletes rows and inserts them anew.
create or replace view pg_catalog.redshift_write_steps as
select w.userid, w.query, w.tbl, s.at::int - 1 as step, s.name, w.rows, w.start_time, w.end_time
from pg_catalog.redshift_writes w
cross join lateral unnest(case w.verb when 'DELETE' then array['delete'] when 'UPDATE' then array['delete', 'insert']
    when 'MERGE' then array['delete', 'insert'] else array['insert'] end) with ordinality as s (name, at)
where w.error_message = '' and not (w.verb = 'COPY' and w.query_text ~* '\mnoload\M');

create or replace view pg_catalog.stl_query as
select
    userid, query::int as query, 'default'::varchar(320) as label, 0::bigint as xid, session as pid, current_database()::varchar(32) as database,
    query_text::varchar(4000) as querytxt, start_time as starttime, end_time as endtime, (error_message <> '')::int as aborted,
    0 as insert_pristine, 0 as concurrency_scaling_status
from pg_catalog.redshift_writes where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.sys_query_history as
select
    userid as user_id, query as query_id, 'default'::varchar(320) as query_label, 0::bigint as transaction_id, session as session_id,
    current_database()::varchar(128) as database_name, verb::varchar(32) as query_type,
    case error_message when '' then 'success' else 'failed' end::char(10) as status, false as result_cache_hit, start_time, end_time,
    (redshift_hidden.date_part('epoch', end_time - start_time) * 1000000)::bigint as elapsed_time, 0::bigint as queue_time,
    (redshift_hidden.date_part('epoch', end_time - start_time) * 1000000)::bigint as execution_time, error_message::varchar(512) as error_message,
    0::bigint as returned_rows, 0::bigint as returned_bytes, query_text::varchar(4000) as query_text, 0::bigint as compile_time,
    0::bigint as planning_time, 0::bigint as lock_wait_time
from pg_catalog.redshift_writes where pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.sys_query_detail as
select
    s.userid as user_id, s.query as query_id, 1 as child_query_sequence, 0 as stream_id, 0 as segment_id, s.step as step_id, s.name as step_name,
    s.tbl as table_id, c.relname::varchar(136) as table_name, 'f'::char(1) as is_rrscan, s.start_time, s.end_time,
    (redshift_hidden.date_part('epoch', s.end_time - s.start_time) * 1000000)::bigint as duration, ''::text as alert, 0::bigint as input_bytes,
    s.rows as input_rows, 0::bigint as output_bytes, s.rows as output_rows
from pg_catalog.redshift_write_steps s left join pg_catalog.pg_class c on c.oid = s.tbl::oid
where pg_catalog.redshift_sees(s.userid);
create or replace view pg_catalog.stl_insert as
select
    userid, query::int as query, 0 as slice, 0 as segment, step, start_time as starttime, end_time as endtime, 0 as tasknum, rows, tbl,
    'f'::char(1) as inserted_mega_value, 'f'::char(1) as use_staging_table
from pg_catalog.redshift_write_steps where name = 'insert' and pg_catalog.redshift_sees(userid);
create or replace view pg_catalog.stl_delete as
select userid, query::int as query, 0 as slice, 0 as segment, step, start_time as starttime, end_time as endtime, 0 as tasknum, rows, tbl
from pg_catalog.redshift_write_steps where name = 'delete' and pg_catalog.redshift_sees(userid);

-- Everybody may know when a table was written to: SHOW TABLES says so.
create or replace function pg_catalog.redshift_last_modified(target oid) returns timestamp
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select max(s.end_time) from pg_catalog.redshift_write_steps s where s.tbl = target::int $$;
grant select on pg_catalog.stl_query, pg_catalog.sys_query_history, pg_catalog.sys_query_detail, pg_catalog.stl_insert, pg_catalog.stl_delete
    to public;
