{{
    config(
        unique_key='id',
        dist='ant_parcel_no',
        sort=['ant_parcel_no', 'id'],
        meta={'replication_key': 'id'},
    )
}}

with unbuilt as (
    select
        *,
        {{ version_rank('id', 'id') }} as version_rank
    from {{ ref('stg_settlement__delivery_status') }}
    where {{ in_unbuilt_loads('delivery_status') }}
),

newest as (
    select *
    from unbuilt
    where version_rank = 1
)

select
    newest.id,
    newest.ant_parcel_no,
    newest.partner_id,
    newest.status,
    newest.previous_status,
    newest.status_at,
    newest.facility,
    newest.latitude,
    newest.longitude,
    newest.driver_id,
    newest.source,
    newest.note,
    newest.create_at,
    newest._sdc_extracted_at,
    newest._sdc_deleted_at,
    newest._tidemark_load_id
from newest
{% if not is_rebuild() %}
    left join {{ source('tidemark_dbt', 'delivery_status__versions') }} as known
        on newest.id = known.id
    where known.id is null or {{ is_newer('newest', 'known', 'id') }}
{% endif %}
