select
    id,
    billing_num,
    partner_id,
    customer_id,
    ant_parcel_no,
    return_reason,
    return_fee,
    charge_currency,
    is_valid,
    create_at,
    update_at,
    _sdc_extracted_at,
    _sdc_deleted_at,
    _tidemark_load_id
from {{ source('landing', 'settlement_return_detail') }}
