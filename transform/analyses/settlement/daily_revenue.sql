SELECT
    DATE_TRUNC('day', create_at) as delivery_date,
    COUNT(*) as parcel_count,
    SUM(CASE WHEN net_price ~ '^[0-9.]+$' THEN net_price::DECIMAL(10,2) ELSE 0 END) as daily_revenue
FROM public.settlement_latest_delivery_status
WHERE create_at >= CURRENT_DATE - 30
GROUP BY DATE_TRUNC('day', create_at)
ORDER BY delivery_date DESC;
