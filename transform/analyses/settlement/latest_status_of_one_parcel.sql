SELECT * FROM public.settlement_latest_delivery_status
WHERE ant_parcel_no = 'BAUNI000300014750782';
