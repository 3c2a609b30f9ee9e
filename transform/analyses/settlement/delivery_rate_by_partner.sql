SELECT
    partner_id,
    COUNT(*) as total_parcels,
    COUNT(CASE WHEN latest_status = 'DELIVERED' THEN 1 END) as delivered_count,
    ROUND(COUNT(CASE WHEN latest_status = 'DELIVERED' THEN 1 END) * 100.0 / COUNT(*), 2) as delivery_rate
FROM public.settlement_latest_delivery_status
WHERE partner_id IS NOT NULL
GROUP BY partner_id
ORDER BY total_parcels DESC;
