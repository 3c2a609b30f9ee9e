select
    latest_status,
    count(*) as parcel_count,
    count(distinct partner_id) as partner_count,
    count(distinct billing_num) as billing_count,
    cast(sum(net_price_amount) as numeric(38, 2)) as total_value,
    min(create_at) as earliest_delivery,
    max(create_at) as latest_delivery
from {{ ref('settlement_latest_delivery_status') }}
where latest_status is not null
group by latest_status
