{#- True when a table is made from all that landing holds: its first run, and --full-refresh. -#}
{% macro is_rebuild() -%}
    {%- if not execute -%}
        {{- return(true) -}}
    {%- endif -%}
    {{- return(should_full_refresh() or load_cached_relation(this) is none) -}}
{%- endmacro %}

{#- The condition on staged rows that leaves those of committed loads which the table does not hold yet.
    What is in the ledger counts, and nothing else: a row without its ledger entry was never committed. -#}
{% macro in_unbuilt_loads(table) -%}
    {%- set built = source('tidemark_dbt', table ~ '__loads') -%}
    {%- set ledger = source('landing', 'tidemark_loads') -%}
    _tidemark_load_id in (
        {{ unbuilt_loads_sql(table, ledger, built) }}
    )
    and {{ unbuilt_range(table, ledger, built) }}
{%- endmacro %}

{% macro unbuilt_loads_sql(table, ledger, built) -%}
    select ledger.load_id
        from {{ ledger }} as ledger
        where
            ledger.landing_table = '{{ table }}'
            {%- if not is_rebuild() %}
            and ledger.load_id not in (select built.load_id from {{ built }} as built)
            {%- endif %}
{%- endmacro %}

{#- The same loads as two literals: landing is sorted by load, and Redshift skips the blocks outside a literal
    range (zone maps), which it cannot do for a subquery. -#}
{% macro unbuilt_range(table, ledger, built) -%}
    {%- if not execute or is_rebuild() or not flags.INTROSPECT -%}
        {{- return('1 = 1') -}}
    {%- endif -%}
    {%- set bounds = run_query(
        'select min(load_id), max(load_id) from (' ~ unbuilt_loads_sql(table, ledger, built) ~ ') as unbuilt'
    ).rows[0] -%}
    {%- if bounds[0] is none -%}
        {{- return('1 = 0') -}}
    {%- endif -%}
    {{- return('_tidemark_load_id between ' ~ bounds[0] | int ~ ' and ' ~ bounds[1] | int) -}}
{%- endmacro %}
