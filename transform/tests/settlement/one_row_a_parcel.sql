-- A parcel with two latest rows would be counted twice in every report.
select
    ant_parcel_no,
    count(*) as row_count
from {{ ref('settlement_latest_delivery_status') }}
group by ant_parcel_no
having count(*) > 1
