{{ config(severity='warn', tags=['landing']) }}
-- A row whose load is not in the ledger was never committed, and no table takes it. Somebody else writes to landing.
-- depends_on: {{ source('landing', 'tidemark_loads') }}
{{ rows_without_ledger_entry() }}
