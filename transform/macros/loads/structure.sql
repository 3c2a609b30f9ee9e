{#- The table's own shape: made from the contract, widened by new columns, made anew by --full-refresh. -#}

{#- Takes all rows out of a table and out of what is remembered of it. DELETE and not TRUNCATE, which commits.
    `forgotten` becomes what was remembered of its rows. -#}
{% macro forget_everything(relation, existing, forgotten) -%}
    {%- call statement('forget') -%}
        drop table if exists {{ forgotten.identifier }};
        create temporary table {{ forgotten.identifier }} as (
            select * from {{ state_relation(model.name, 'versions') }}
        );
        delete from {{ state_relation(model.name, 'versions') }};
        delete from {{ state_relation(model.name, 'loads') }};
        {% if existing is not none and existing.is_table -%}
            delete from {{ relation }};
        {%- endif %}
    {%- endcall -%}
{%- endmacro %}

{#- Makes sure that `relation` has the contract's columns; returns true when it was created. -#}
{% macro prepare_table(relation, existing, rebuild) -%}
    {%- if existing is none -%}
        {%- do create_contract_table(relation) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- set wanted = contract_columns() -%}
    {%- set found = adapter.get_columns_in_relation(existing) -%}
    {%- set added = wanted | rejectattr('name', 'in', found | map(attribute='name') | list) | list -%}
    {%- set changed = changed_columns(wanted, found) -%}
    {%- if not added and not changed -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- if rebuild -%}
        {#- No CASCADE: a view that somebody bound to the table stops this, and is named by the warehouse. -#}
        {%- call statement('drop_old_shape') -%}
            drop table {{ relation }}
        {%- endcall -%}
        {%- do create_contract_table(relation) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- if changed -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is unchanged: its contract has changed in ' ~ changed | join(', ')
            ~ '. Build it anew: dbt build --full-refresh --select ' ~ model.name
        ) -%}
    {%- endif -%}
    {%- for column in added -%}
        {%- call statement('add_column') -%}
            alter table {{ relation }} add column {{ column.name }} {{ column.data_type }}
        {%- endcall -%}
    {%- endfor -%}
    {{- return(false) -}}
{%- endmacro %}

{% macro create_contract_table(relation) -%}
    {%- call statement('create_table') -%}
        create table {{ relation }}
        {{ get_table_columns_and_constraints() }}
        {{ dist(config.get('dist')) }}
        {{ sort(config.get('sort_type'), config.get('sort')) }}
    {%- endcall -%}
{%- endmacro %}

{#- The contract's columns as the warehouse itself spells their types. -#}
{% macro contract_columns() -%}
    {%- set shape = api.Relation.create(identifier=model.name ~ '__contract', type='table') -%}
    {%- call statement('contract') -%}
        drop table if exists {{ shape.identifier }};
        create temporary table {{ shape.identifier }} (
            {%- for column in model.columns.values() %}
            {{ column.name }} {{ column.data_type }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endcall -%}
    {{- return(adapter.get_columns_in_relation(shape)) -}}
{%- endmacro %}

{% macro changed_columns(wanted, found) -%}
    {%- set types = {} -%}
    {%- for column in wanted -%}
        {%- do types.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- set changed = [] -%}
    {%- for column in found -%}
        {%- if column.name not in types -%}
            {%- do changed.append(column.name ~ ' (no longer in it)') -%}
        {%- elif types[column.name] != column.data_type -%}
            {%- do changed.append(column.name ~ ' (' ~ column.data_type ~ ' to ' ~ types[column.name] ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(changed) -}}
{%- endmacro %}
