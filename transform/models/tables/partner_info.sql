{{
    config(
        unique_key='id',
        dist='all',
        sort=['partner_id'],
        meta={'replication_key': 'update_at'},
    )
}}

with newest as (
    {{ newest_unbuilt(ref('stg_settlement__partner_info')) }}
)

select
    id,
    partner_id,
    partner_name,
    partner_code,
    partner_type,
    country,
    region,
    contact_email,
    is_active,
    created_at,
    updated_at,
    update_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from newest
