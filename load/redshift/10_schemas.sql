-- Run by a superuser, in the order of the names, as often as you like:
--   psql -h HOST -p 5439 -d DATABASE -f load/redshift/10_schemas.sql     (40_copy_role.sql: see docs/aws.md)
-- The users are there already; an administrator creates them, with passwords of his own:
--   tidemark_loader       loads, and owns what is loaded
--   tidemark_transformer  dbt: reads what is loaded, owns what it builds
--   tidemark_analyst      reads the public views (or a group does: see 30_analysts.sql)

-- What is loaded. (RAW would be a reserved word.)
create schema if not exists landing authorization tidemark_loader;
-- What dbt remembers of each table, and the rows that fail a test.
create schema if not exists tidemark_dbt authorization tidemark_transformer;
