select
    id,
    billing_num,
    period,
    partner_id,
    parcel_count,
    total_amount,
    charge_currency,
    create_at,
    update_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from {{ source('landing', 'billing_summary') }}
