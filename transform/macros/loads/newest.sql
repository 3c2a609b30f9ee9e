{#- What `merged_loads` merges: of each row the newest version among the loads that the model's table does not hold
    yet, unless the table holds a newer one. The key and the replication key are those of the model's config. -#}
{% macro newest_unbuilt(staged) -%}
    {%- set known = source('tidemark_dbt', model.name ~ '__versions') -%}
    {%- set unique_key = config.require('unique_key') -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {#- dbt parses a model before it knows its config. -#}
    {%- set replication_key = replication_key_of(model) if execute else unique_key -%}
    select unbuilt.*
    from (
        select
            *,
            {{ version_rank(keys, replication_key) }} as version_rank
        from {{ staged }}
        where {{ in_unbuilt_loads(model.name) }}
    ) as unbuilt
    {%- if not is_rebuild() %}
    left join {{ known }} as known
        on {{ same_key_sql('unbuilt', 'known', keys) }}
    where
        unbuilt.version_rank = 1
        and (known.{{ keys[0] }} is null or {{ is_newer('unbuilt', 'known', replication_key) }})
    {%- else %}
    where unbuilt.version_rank = 1
    {%- endif %}
{%- endmacro %}
