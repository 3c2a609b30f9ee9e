-- The summary counts every parcel that has a status, once, and all of the money.
with summed as (
    select
        sum(parcel_count) as parcels,
        sum(total_value) as money
    from {{ ref('settlement_status_summary') }}
),

counted as (
    select
        count(*) as parcels,
        sum(net_price_amount) as money
    from {{ ref('settlement_latest_delivery_status') }}
    where latest_status is not null
)

select
    summed.parcels as summary_parcels,
    counted.parcels as view_parcels,
    summed.money as summary_money,
    counted.money as view_money
from summed
cross join counted
where
    coalesce(summed.parcels, 0) != counted.parcels
    or coalesce(summed.money, 0) != coalesce(counted.money, 0)
