{#- Loads whose rows are in landing and which the ledger does not know, of all tables that have a model here. -#}
{% macro rows_without_ledger_entry() -%}
    {%- set tables, ledger = [], none -%}
    {%- if execute -%}
        {%- set ledger = source('landing', 'tidemark_loads') -%}
        {%- set tables = landed_tables() if is_there(ledger) else [] -%}
    {%- endif -%}
    {%- for table in tables %}
    {{ 'union all' if not loop.first }}
    select
        '{{ table.identifier }}' as landing_table,
        _tidemark_load_id as load_id,
        count(*) as row_count
    from {{ table }}
    where
        _tidemark_load_id not in (
            select ledger.load_id
            from {{ ledger }} as ledger
            where ledger.landing_table = '{{ table.identifier }}'
        )
    group by _tidemark_load_id
    {%- else %}
    select 1 as load_id where 1 = 0
    {%- endfor %}
{%- endmacro %}

{#- The landing tables of the project that are there. -#}
{% macro landed_tables() -%}
    {%- set found = [] -%}
    {%- set there = run_query(
        'select lower(c.relname) from pg_catalog.pg_class as c'
        ~ " inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid where n.nspname = 'landing'"
    ).columns[0].values() -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'merged_loads' and node.name in there -%}
        {%- do found.append(source('landing', node.name)) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}
