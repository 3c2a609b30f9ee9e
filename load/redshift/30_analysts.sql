-- Analysts read the public views and nothing else. The views themselves are granted by dbt, whenever it makes one, to
-- whom REDSHIFT_ANALYSTS names: user:tidemark_analyst unless it is set. For many people make a group once
--   create group tidemark_analysts; alter group tidemark_analysts add user anna;
-- set REDSHIFT_ANALYSTS=group:tidemark_analysts, and run the build again.
revoke all on schema landing from tidemark_analyst;
revoke all on schema tidemark_dbt from tidemark_analyst;
