{{
    config(
        unique_key='id',
        dist='ant_parcel_no',
        sort=['ant_parcel_no', 'id'],
        meta={'replication_key': 'id'},
    )
}}

with newest as (
    {{ newest_unbuilt(ref('stg_settlement__delivery_status')) }}
)

select
    id,
    ant_parcel_no,
    partner_id,
    status,
    previous_status,
    status_at,
    facility,
    latitude,
    longitude,
    driver_id,
    source,
    note,
    create_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from newest
