{#- The condition on staged rows that leaves those of committed loads which the table does not hold yet.
    What is in the ledger counts, and nothing else: a row without its ledger entry was never committed.

    A build puts `in_taken_loads` in its place (merged_loads.sql), because loads are committed while models compile:
    what a build takes is decided once, inside its transaction. -#}
{% macro in_unbuilt_loads(table) -%}
    _tidemark_load_id in (
        {{ unbuilt_loads_sql(
            table, source('landing', 'tidemark_loads'), source('tidemark_dbt', table ~ '__loads')
        ) }}
    )
{%- endmacro %}

{% macro unbuilt_loads_sql(table, ledger, built) -%}
    select ledger.load_id
        from {{ ledger }} as ledger
        where
            ledger.landing_table = '{{ table }}'
            and ledger.load_id not in (select built.load_id from {{ built }} as built)
{%- endmacro %}

{#- The loads that this build takes, and marks as built. -#}
{% macro take_loads(unbuilt) -%}
    {%- set ledger = source('landing', 'tidemark_loads') -%}
    {%- call statement('take_loads') -%}
        drop table if exists {{ unbuilt.identifier }};
        create temporary table {{ unbuilt.identifier }} as (
            select load_id, sum(row_count) as row_count
            from {{ ledger }}
            where
                landing_table = '{{ model.name }}'
                and load_id in (
                    {{ unbuilt_loads_sql(model.name, ledger, state_relation(model.name, 'loads')) }}
                )
            group by load_id
        )
    {%- endcall -%}
{%- endmacro %}

{#- The condition that leaves the rows of those loads. Landing is sorted by load, and Redshift skips the blocks outside
    a literal range (zone maps), which it cannot do for a subquery: so it says the same twice. -#}
{% macro in_taken_loads(unbuilt) -%}
    {%- set bounds = run_query('select min(load_id), max(load_id) from ' ~ unbuilt.identifier).rows[0] -%}
    {%- if bounds[0] is none -%}
        {{- return('1 = 0') -}}
    {%- endif -%}
    {{- return(
        '_tidemark_load_id between ' ~ bounds[0] | int ~ ' and ' ~ bounds[1] | int
        ~ ' and _tidemark_load_id in (select load_id from ' ~ unbuilt.identifier ~ ')'
    ) -}}
{%- endmacro %}
