{{
    config(
        unique_key='id',
        dist='ant_parcel_no',
        sort=['create_at', 'billing_num'],
        meta={'replication_key': 'update_at'},
    )
}}

with unbuilt as (
    select
        *,
        {{ version_rank('id', 'update_at') }} as version_rank
    from {{ ref('stg_settlement__settlement_return_detail') }}
    where {{ in_unbuilt_loads('settlement_return_detail') }}
),

newest as (
    select *
    from unbuilt
    where version_rank = 1
)

select
    newest.id,
    newest.billing_num,
    newest.partner_id,
    newest.customer_id,
    newest.ant_parcel_no,
    newest.return_tno,
    newest.return_reason,
    newest.return_status,
    newest.warehouse,
    newest.actual_weight,
    newest.return_fee,
    newest.refund_amount,
    newest.charge_currency,
    newest.remark,
    newest.returned_at,
    newest.is_valid,
    newest.create_at,
    newest.update_at,
    newest._sdc_extracted_at,
    newest._sdc_deleted_at,
    newest._tidemark_load_id
from newest
{% if not is_rebuild() %}
    left join {{ source('tidemark_dbt', 'settlement_return_detail__versions') }} as known
        on newest.id = known.id
    where known.id is null or {{ is_newer('newest', 'known', 'update_at') }}
{% endif %}
