select
    id,
    ant_parcel_no,
    status,
    status_time,
    create_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from {{ source('landing', 'delivery_status') }}
