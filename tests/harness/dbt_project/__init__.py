"""The dbt project, run and looked at."""
