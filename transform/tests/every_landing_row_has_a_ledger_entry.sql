{{ config(severity='warn') }}
-- A row whose load is not in the ledger was never committed, and no table takes it. Somebody else writes to landing.
{% for table in [
    'settlement_normal_delivery_detail',
    'settlement_claim_detail',
    'partner_info',
    'settlement_return_detail',
    'billing_summary',
    'delivery_status',
] %}
    {{ 'union all' if not loop.first }}
    select
        '{{ table }}' as landing_table,
        _tidemark_load_id as load_id,
        count(*) as row_count
    from {{ source('landing', table) }}
    where
        _tidemark_load_id not in (
            select ledger.load_id
            from {{ source('landing', 'tidemark_loads') }} as ledger
            where ledger.landing_table = '{{ table }}'
        )
    group by _tidemark_load_id
{% endfor %}
