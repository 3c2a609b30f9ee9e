-- dbt reads landing, also the tables that the loader has yet to make.
GRANT USAGE ON SCHEMA landing TO tidemark_transformer;
GRANT SELECT ON ALL TABLES IN SCHEMA landing TO tidemark_transformer;
ALTER DEFAULT PRIVILEGES FOR USER tidemark_loader IN SCHEMA landing
GRANT SELECT ON TABLES TO tidemark_transformer;

-- dbt makes its own schemas (staging views, the memory of what has been built) and the public tables.
GRANT CREATE ON DATABASE analytics TO tidemark_transformer;
GRANT USAGE, CREATE ON SCHEMA public TO tidemark_transformer;
