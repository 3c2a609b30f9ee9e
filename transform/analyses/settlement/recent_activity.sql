SELECT ant_parcel_no, partner_id, latest_status, last_status_update_at
FROM public.settlement_latest_delivery_status
WHERE last_status_update_at >= CURRENT_DATE - 7
ORDER BY last_status_update_at DESC
LIMIT 100;
