-- dbt reads landing, tables that the loader has yet to make included, and can change nothing there.
grant usage on schema landing to tidemark_transformer;
grant select on all tables in schema landing to tidemark_transformer;
alter default privileges for user tidemark_loader in schema landing
grant select on tables to tidemark_transformer;

-- `tidemark clean --retention` says which tables need VACUUM or ANALYZE.
grant select on svv_table_info to tidemark_loader;

-- Everybody may create in a new database's public schema: a table there under a model's name would stop every build.
revoke create on schema public from public;
-- dbt makes the public tables and views.
grant usage, create on schema public to tidemark_transformer;
