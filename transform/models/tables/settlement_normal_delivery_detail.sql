{{
    config(
        unique_key='id',
        dist='ant_parcel_no',
        sort=['create_at', 'billing_num'],
        meta={'replication_key': 'update_at'},
    )
}}

with unbuilt as (
    select
        *,
        {{ version_rank('id', 'update_at') }} as version_rank
    from {{ ref('stg_settlement__settlement_normal_delivery_detail') }}
    where {{ in_unbuilt_loads('settlement_normal_delivery_detail') }}
),

newest as (
    select *
    from unbuilt
    where version_rank = 1
)

select
    newest.id,
    newest.billing_num,
    newest.partner_id,
    newest.customer_id,
    newest.carrier_id,
    newest.invoice_number,
    newest.invoice_date,
    newest.ant_parcel_no,
    newest.uni_no,
    newest.uni_sn,
    newest.third_party_tno,
    newest.parcel_scan_time,
    newest.batch_number,
    newest.reference_number,
    newest.warehouse_id,
    newest.airport_code,
    newest.consignee_address,
    newest.zone,
    newest.zipcode,
    newest.driver_id,
    newest.actual_weight,
    newest.dimensional_weight,
    newest.weight_uom,
    newest.net_price,
    newest.signature_fee,
    newest.tax,
    newest.fuel_surcharge,
    newest.shipping_fee,
    newest.charge_currency,
    newest.province,
    newest.latest_status,
    newest.last_status_update_at,
    newest.is_valid,
    newest.create_at,
    newest.update_at,
    newest.price_card_name,
    newest.in_warehouse_date,
    newest.inject_warehouse,
    newest.gst,
    newest.qst,
    newest.consignee_name,
    newest.order_create_time,
    newest.dimension_uom,
    newest.length,
    newest.width,
    newest.height,
    newest.org_zipcode,
    newest.payment_code,
    newest.invoice_to,
    newest.remote_surcharge_fees,
    newest.gv_order_receive_time,
    newest._sdc_extracted_at,
    newest._sdc_deleted_at,
    newest._tidemark_load_id
from newest
{% if not is_rebuild() %}
    left join {{ source('tidemark_dbt', 'settlement_normal_delivery_detail__versions') }} as known
        on newest.id = known.id
    where known.id is null or {{ is_newer('newest', 'known', 'update_at') }}
{% endif %}
