SELECT partner_id, COUNT(*) as total_parcels,
       COUNT(CASE WHEN latest_status = 'DELIVERED' THEN 1 END) as delivered
FROM public.settlement_partner_latest_status
GROUP BY partner_id;
