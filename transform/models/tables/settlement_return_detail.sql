{{
    config(
        unique_key='id',
        dist='ant_parcel_no',
        sort=['create_at', 'billing_num'],
        meta={'replication_key': 'update_at'},
    )
}}

with newest as (
    {{ newest_unbuilt(ref('stg_settlement__settlement_return_detail')) }}
)

select
    id,
    billing_num,
    partner_id,
    customer_id,
    ant_parcel_no,
    return_tno,
    return_reason,
    return_status,
    warehouse,
    actual_weight,
    return_fee,
    refund_amount,
    charge_currency,
    remark,
    returned_at,
    is_valid,
    create_at,
    update_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from newest
