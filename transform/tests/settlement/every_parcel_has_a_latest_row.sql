-- The parcels of the view are those of the base table: none is lost, none is made up.
with parcels as (
    select distinct ant_parcel_no
    from {{ ref('settlement_normal_delivery_detail') }}
    where ant_parcel_no is not null{{ and_is_live('settlement_normal_delivery_detail') }}
),

latest as (
    select ant_parcel_no
    from {{ ref('settlement_latest_delivery_status') }}
)

select
    parcels.ant_parcel_no as only_in_table,
    latest.ant_parcel_no as only_in_view
from parcels
full outer join latest
    on parcels.ant_parcel_no = latest.ant_parcel_no
where parcels.ant_parcel_no is null or latest.ant_parcel_no is null
