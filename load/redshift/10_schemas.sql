-- Run once by an administrator, in name order; every statement may be run again.
-- The users exist already: an administrator creates them, with passwords of his own.
--   tidemark_loader       loads, and owns what is loaded
--   tidemark_transformer  dbt: reads what is loaded, owns what it builds
--   tidemark_analyst      stands for everybody who reads the public tables and views

CREATE SCHEMA IF NOT EXISTS landing AUTHORIZATION tidemark_loader;
