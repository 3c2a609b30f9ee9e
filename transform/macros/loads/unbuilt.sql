{#- Which rows of landing a build takes. What is in the ledger counts, and nothing else: a row without its ledger entry
    was never committed.

    A build puts `taken_rows` in the place of a model's condition (merged_loads.sql), because loads are committed while
    models compile: what a build takes is decided once, inside its transaction. -#}
{% macro loads_of_model() -%}
    {%- if table_contract().kind == 'copied' -%}
        {{ in_newest_copy(merged_model()) }}
    {%- else -%}
        {{ in_unbuilt_loads(merged_model()) }}
    {%- endif -%}
{%- endmacro %}

{#- The condition that leaves the rows of committed loads which the table does not hold yet. -#}
{% macro in_unbuilt_loads(table) -%}
    _tidemark_load_id in (
        {{ unbuilt_loads_sql(table, source('landing', 'tidemark_loads'), built_loads()) }}
    )
{%- endmacro %}

{#- The condition that leaves the rows of the newest copy of a whole table: a copy is one load. -#}
{% macro in_newest_copy(table) -%}
    _tidemark_load_id in (
        select max(ledger.load_id)
        from {{ source('landing', 'tidemark_loads') }} as ledger
        where ledger.landing_table = '{{ table }}'
    )
{%- endmacro %}

{% macro unbuilt_loads_sql(table, ledger, built) -%}
    select ledger.load_id
        from {{ ledger }} as ledger
        where
            ledger.landing_table = '{{ table }}'
            and ledger.load_id not in (select built.load_id from {{ built }} as built)
{%- endmacro %}

{#- The loads that this build takes, and marks as built; none where nothing was ever loaded into this warehouse. -#}
{% macro take_loads(unbuilt) -%}
    {%- set ledger = source('landing', 'tidemark_loads') -%}
    {%- call statement('take_loads') -%}
        {%- if is_there(ledger) %}
        create temporary table {{ unbuilt }} as (
            select load_id, sum(row_count) as row_count
            from {{ ledger }}
            where
                landing_table = '{{ model.name }}'
                and load_id in (
                    {{ unbuilt_loads_sql(model.name, ledger, built_loads()) }}
                )
            group by load_id
        )
        {%- else %}
        create temporary table {{ unbuilt }} (load_id bigint, row_count bigint)
        {%- endif %}
    {%- endcall -%}
{%- endmacro %}

{#- The condition that leaves the rows which this build takes; none if it takes none. -#}
{% macro taken_rows(unbuilt, contract) -%}
    {%- set bounds = run_query('select min(load_id), max(load_id) from ' ~ unbuilt).rows[0] -%}
    {%- if bounds[0] is none -%}
        {{- return(none) -}}
    {%- elif contract.kind == 'copied' -%}
        {%- set newest = run_query('select max(load_id)' ~ ledger_sql()).rows[0][0] -%}
        {{- return(newest_copy_rows(newest) if newest == bounds[1] else none) -}}
    {%- endif -%}
    {#- Landing is sorted by load, and Redshift skips the blocks outside a literal range (zone maps), which it cannot do
        for a subquery: so it says the same twice. -#}
    {{- return(
        '_tidemark_load_id between ' ~ bounds[0] | int ~ ' and ' ~ bounds[1] | int
        ~ ' and _tidemark_load_id in (select load_id from ' ~ unbuilt ~ ')'
    ) -}}
{%- endmacro %}

{#- A load may have brought several copies, where landing keeps them all: their times of extraction tell them apart. -#}
{% macro newest_copy_rows(load_id) -%}
    {%- set rows = '_tidemark_load_id = ' ~ load_id | int -%}
    {%- set copies = ' from (select distinct extracted_at' ~ copies_sql(load_id) ~ ') as copies' -%}
    {%- if run_query('select count(*)' ~ copies).rows[0][0] > 1 -%}
        {%- set rows = rows ~ ' and _sdc_extracted_at = (select max(extracted_at)' ~ copies ~ ')' -%}
    {%- endif -%}
    {{- return(rows) -}}
{%- endmacro %}

{#- The files of a load that are parts of a copy which was read from the source. -#}
{% macro copies_sql(load_id) -%}
    {{- return(
        ledger_sql() ~ ' and load_id = ' ~ load_id | int ~ ' and manifest is not null and row_count > 0'
    ) -}}
{%- endmacro %}

{#- What the ledger says of the model's table. -#}
{% macro ledger_sql() -%}
    {{- return(' from ' ~ source('landing', 'tidemark_loads') ~ " where landing_table = '" ~ model.name ~ "'") -}}
{%- endmacro %}
