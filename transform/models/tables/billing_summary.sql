{{
    config(
        unique_key='id',
        dist='billing_num',
        sort=['billing_num', 'period'],
        meta={'replication_key': 'update_at'},
    )
}}

with unbuilt as (
    select
        *,
        {{ version_rank('id', 'update_at') }} as version_rank
    from {{ ref('stg_settlement__billing_summary') }}
    where {{ in_unbuilt_loads('billing_summary') }}
),

newest as (
    select *
    from unbuilt
    where version_rank = 1
)

select
    newest.id,
    newest.billing_num,
    newest.period,
    newest.partner_id,
    newest.parcel_count,
    newest.gross_amount,
    newest.adjustment_amount,
    newest.tax_amount,
    newest.net_amount,
    newest.charge_currency,
    newest.billing_status,
    newest.issued_on,
    newest.due_on,
    newest.paid_at,
    newest.remark,
    newest.create_at,
    newest.update_at,
    newest._sdc_extracted_at,
    newest._sdc_deleted_at,
    newest._tidemark_load_id
from newest
{% if not is_rebuild() %}
    left join {{ source('tidemark_dbt', 'billing_summary__versions') }} as known
        on newest.id = known.id
    where known.id is null or {{ is_newer('newest', 'known', 'update_at') }}
{% endif %}
