select
    partner_id,
    ant_parcel_no,
    billing_num,
    latest_status,
    last_status_update_at,
    create_at,
    update_at,
    net_price,
    actual_weight,
    consignee_name,
    province,
    airport_code,
    net_price_amount
from {{ ref('settlement_latest_delivery_status') }}
