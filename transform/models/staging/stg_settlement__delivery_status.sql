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
from {{ source('landing', 'delivery_status') }}
