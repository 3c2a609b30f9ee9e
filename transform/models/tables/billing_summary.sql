{{
    config(
        unique_key='id',
        dist='billing_num',
        sort=['billing_num', 'period'],
        meta={'replication_key': 'update_at'},
    )
}}

with newest as (
    {{ newest_unbuilt(ref('stg_settlement__billing_summary')) }}
)

select
    id,
    billing_num,
    period,
    partner_id,
    parcel_count,
    gross_amount,
    adjustment_amount,
    tax_amount,
    net_amount,
    charge_currency,
    billing_status,
    issued_on,
    due_on,
    paid_at,
    remark,
    create_at,
    update_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from newest
