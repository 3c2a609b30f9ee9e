{#- The SQL of a table, which its contract says all of (contract.sql): what `merged_loads` brings into the table of the
    loads that it does not hold yet. Nothing in it depends on whether the table is there: a rebuild forgets first, so
    that every load is unbuilt. -#}
{% macro table_from_contract() -%}
    {#- Also while dbt parses, which learns by it what the model reads. -#}
    {%- set landing = source('landing', merged_model()) -%}
    {%- set ledger = source('landing', 'tidemark_loads') -%}
    {%- if execute -%}
        {%- if table_contract().keeps_deleted -%}
            {{ newest_unbuilt_with_last_values(landing) }}
        {%- elif table_contract().kind == 'merged' -%}
            {{ newest_unbuilt(landing) }}
        {%- else -%}
            {{ every_row(landing) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Of each row the newest version among the unbuilt loads, unless the table holds a newer one. -#}
{% macro newest_unbuilt(landing) -%}
    {%- set contract = table_contract() -%}
    select
        {{ chosen_columns_sql(contract, 'unbuilt.') }}
    from (
        select
            {%- for name in landed_columns(contract) %}
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

{#- The same of a table that keeps deleted rows: a deleted row has the values of the newest version before it, where the
    unbuilt loads have one that the table does not hold. `_tidemark_has_values` says so; the others are in the table. -#}
{% macro newest_unbuilt_with_last_values(landing) -%}
    {%- set contract = table_contract() -%}
    {%- set key = column_sql(contract.unique_key[0]) -%}
    with unbuilt as (
        select
            {%- for name in landed_columns(contract) %}
            {{ name }},
            {%- endfor %}
            {{ version_rank(contract.unique_key, contract.replication_key) }} as _tidemark_rank,
            {{ version_rank(contract.unique_key, contract.replication_key, live_first=true) }} as _tidemark_live_rank
        from {{ landing }}
        where {{ in_unbuilt_loads(merged_model()) }}
    )

    select
        {%- for name in columns_sql(own_columns(contract)) %}
        case when unbuilt._sdc_deleted_at is null or {{ name in columns_sql(contract.unique_key) }} then unbuilt.{{ name }}
            else live.{{ name }} end as {{ name }},
        {%- endfor %}
        {%- for name in system_columns() %}
        unbuilt.{{ name }},
        {%- endfor %}
        unbuilt._sdc_deleted_at as {{ column_sql(contract.deleted_at) }},
        (unbuilt._sdc_deleted_at is null or live.{{ key }} is not null) as _tidemark_has_values
    from unbuilt
    left join {{ known_versions() }} as known
        on {{ same_key_sql('unbuilt', 'known', contract.unique_key) }}
    left join unbuilt as live
        on
            {{ same_key_sql('unbuilt', 'live', contract.unique_key) }}
            and live._tidemark_live_rank = 1
            and live._sdc_deleted_at is null
            and (known.{{ key }} is null or {{ is_newer('live', 'known', contract.replication_key) }})
    where
        unbuilt._tidemark_rank = 1
        and (known.{{ key }} is null or {{ is_newer('unbuilt', 'known', contract.replication_key) }})
{%- endmacro %}

{#- Every row of the unbuilt loads, or of the newest copy. -#}
{% macro every_row(landing) -%}
    select
        {{ chosen_columns_sql(table_contract()) }}
    from {{ landing }}
    where {{ loads_of_model() }}
{%- endmacro %}

{#- The contract's columns that MySQL has. -#}
{% macro own_columns(contract) -%}
    {{- return(contract.columns | list | reject('equalto', contract.deleted_at) | list) -}}
{%- endmacro %}

{#- What is read of landing. -#}
{% macro landed_columns(contract) -%}
    {{- return(columns_sql(own_columns(contract)) + system_columns() | list) -}}
{%- endmacro %}

{#- The same as a select list; a column for deleted rows is there and empty, for the table has none. -#}
{% macro chosen_columns_sql(contract, prefix='') -%}
    {%- set chosen = [] -%}
    {%- for name in landed_columns(contract) -%}
        {%- do chosen.append(prefix ~ name) -%}
    {%- endfor -%}
    {%- if contract.deleted_at -%}
        {%- do chosen.append('cast(null as timestamp) as ' ~ column_sql(contract.deleted_at)) -%}
    {%- endif -%}
    {{- return(chosen | join(',\n        ')) -}}
{%- endmacro %}
