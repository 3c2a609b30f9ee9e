{#- What `merged_loads` merges: of each row the newest version among the loads that the model's table does not hold
    yet, unless the table holds a newer one. The key and the replication key are those of the model's config.
    Nothing in it depends on whether the table is there: a rebuild forgets first, so that every load is unbuilt. -#}
{% macro newest_unbuilt(staged) -%}
    {%- set known = source('tidemark_dbt', merged_model() ~ '__versions') -%}
    {%- set by = merged_by() -%}
    select unbuilt.*
    from (
        select
            *,
            {{ version_rank(by.unique_key, by.replication_key) }} as version_rank
        from {{ staged }}
        where {{ in_unbuilt_loads(merged_model()) }}
    ) as unbuilt
    left join {{ known }} as known
        on {{ same_key_sql('unbuilt', 'known', by.unique_key) }}
    where
        unbuilt.version_rank = 1
        and (known.{{ by.unique_key[0] }} is null or {{ is_newer('unbuilt', 'known', by.replication_key) }})
{%- endmacro %}

{#- The model's name, also in a unit test of it, where `model` is the test. -#}
{% macro merged_model() -%}
    {{- return((model.tested_node_unique_id or model.unique_id).split('.')[2]) -}}
{%- endmacro %}

{#- By what versions are told apart: the model's unique_key, as a list, and its replication key. A unit test does not
    know the config of the model that it tests, and overrides this macro. -#}
{% macro merged_by() -%}
    {%- set unique_key = config.require('unique_key') -%}
    {{- return({
        'unique_key': [unique_key] if unique_key is string else unique_key,
        'replication_key': replication_key_of(model) if execute else unique_key,
    }) -}}
{%- endmacro %}
