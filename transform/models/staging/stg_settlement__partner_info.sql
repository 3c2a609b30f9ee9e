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
from {{ source('landing', 'partner_info') }}
