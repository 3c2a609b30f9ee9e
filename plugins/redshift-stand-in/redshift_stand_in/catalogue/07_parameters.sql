-- Of no query group, as dbt-redshift's tests have it; SHOW says unset, as in the guide.
create or replace function pg_catalog.current_setting() returns text language sql stable as
    $$ select coalesce(nullif(current_setting('redshift.query_group', true), 'unset'), 'default') $$;

-- What SHOW says of Redshift's own parameters before they are set ("Configuration reference"; SHOW).
do $$
declare
    name text;
    value text;
begin
    for name, value in
        values ('analyze_threshold_percent', '10'), ('cast_super_null_on_error', 'true'), ('default_geometry_encoding', '1'),
            ('describe_field_name_in_uppercase', 'off'), ('downcase_delimited_identifier', 'on'),
            ('enable_case_sensitive_identifier', 'false'), ('enable_case_sensitive_super_attribute', 'false'),
            ('enable_numeric_rounding', 'on'), ('enable_result_cache_for_session', 'on'), ('enable_vacuum_boost', 'off'),
            ('error_on_nondeterministic_update', 'false'), ('interval_forbid_composite_literals', 'false'),
            ('json_parse_dedup_attributes', 'off'), ('json_parse_truncate_strings', 'off'), ('json_serialization_enable', 'false'),
            ('json_serialization_parse_nested_strings', 'false'), ('max_concurrency_scaling_clusters', '1'),
            ('max_cursor_result_set_size', '0'), ('mv_enable_aqmv_for_session', 'true'), ('navigate_super_null_on_error', 'on'),
            ('parse_super_null_on_error', 'off'), ('pg_federation_repeatable_read', 'true'), ('query_group', 'unset'),
            ('spectrum_enable_pseudo_columns', 'true'), ('spectrum_query_maxerror', '-1'), ('stored_proc_log_min_messages', 'log'),
            ('use_fips_ssl', 'false'), ('wlm_query_slot_count', '1')
    loop
        execute format('alter database %I set redshift.%s = %L', current_database(), name, value);
    end loop;
end $$;
