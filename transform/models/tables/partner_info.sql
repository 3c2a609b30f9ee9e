{{
    config(
        unique_key='id',
        dist='all',
        sort=['partner_id'],
        meta={'replication_key': 'update_at'},
    )
}}

with unbuilt as (
    select
        *,
        {{ version_rank('id', 'update_at') }} as version_rank
    from {{ ref('stg_settlement__partner_info') }}
    where {{ in_unbuilt_loads('partner_info') }}
),

newest as (
    select *
    from unbuilt
    where version_rank = 1
)

select
    newest.id,
    newest.partner_id,
    newest.partner_name,
    newest.partner_code,
    newest.partner_type,
    newest.country,
    newest.region,
    newest.contact_email,
    newest.is_active,
    newest.created_at,
    newest.updated_at,
    newest.update_at,
    newest._sdc_extracted_at,
    newest._sdc_deleted_at,
    newest._tidemark_load_id
from newest
{% if not is_rebuild() %}
    left join {{ source('tidemark_dbt', 'partner_info__versions') }} as known
        on newest.id = known.id
    where known.id is null or {{ is_newer('newest', 'known', 'update_at') }}
{% endif %}
