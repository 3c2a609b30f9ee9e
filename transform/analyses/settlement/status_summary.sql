SELECT * FROM public.settlement_status_summary;
