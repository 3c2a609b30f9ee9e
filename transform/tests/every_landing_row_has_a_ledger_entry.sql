{{ config(severity='warn', tags=['landing']) }}
-- A row whose load is not in the ledger was never committed, and no table takes it. Somebody else writes to landing.
-- It depends on nothing by dbt's reckoning: a table that cannot be read would keep all others from being built.
{{ rows_without_ledger_entry() }}
