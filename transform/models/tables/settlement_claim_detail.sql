{{
    config(
        unique_key='id',
        dist='ant_parcel_no',
        sort=['create_at', 'billing_num'],
        meta={'replication_key': 'update_at'},
    )
}}

with newest as (
    {{ newest_unbuilt(ref('stg_settlement__settlement_claim_detail')) }}
)

select
    id,
    billing_num,
    partner_id,
    customer_id,
    ant_parcel_no,
    warehouse,
    shipping_fee,
    declared_value,
    total,
    dollar_100_limit_adjustment,
    charge_currency,
    reason,
    is_valid,
    create_at,
    update_at,
    orig_declared_value,
    orig_currency,
    exchange_rate,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from newest
