{#- The SQL of a table, which its contract says all of (contract.sql): what `merged_loads` brings into the table of the
    loads that it does not hold yet. Nothing in it depends on whether the table is there: a rebuild forgets first, so
    that every load is unbuilt. -#}
{% macro table_from_contract() -%}
    {#- Also while dbt parses, which learns by it what the model reads. -#}
    {%- set landing = source('landing', merged_model()) -%}
    {%- set ledger = source('landing', 'tidemark_loads') -%}
    {%- if execute -%}
        {%- if table_contract().kind == 'merged' -%}
            {{ newest_unbuilt(landing) }}
        {%- else -%}
            {{ every_row(landing) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Of each row the newest version among the unbuilt loads, unless the table holds a newer one. -#}
{% macro newest_unbuilt(landing) -%}
    {%- set contract = table_contract() -%}
    {%- set names = columns_sql(contract.columns) + system_columns() | list -%}
    select
        {%- for name in names %}
        unbuilt.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {%- for name in names %}
            {{ name }},
            {%- endfor %}
            {{ version_rank(contract.unique_key, contract.replication_key) }} as _tidemark_rank
        from {{ landing }}
        where {{ in_unbuilt_loads(merged_model()) }}
    ) as unbuilt
    left join {{ known_versions() }} as known
        on {{ same_key_sql('unbuilt', 'known', contract.unique_key) }}
    where
        unbuilt._tidemark_rank = 1
        and (
            known.{{ column_sql(contract.unique_key[0]) }} is null
            or {{ is_newer('unbuilt', 'known', contract.replication_key) }}
        )
{%- endmacro %}

{#- Every row of the unbuilt loads, or of the newest copy. -#}
{% macro every_row(landing) -%}
    {%- set contract = table_contract() -%}
    select
        {%- for name in columns_sql(contract.columns) + system_columns() | list %}
        {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ landing }}
    where {{ loads_of_model() }}
{%- endmacro %}
