{#- The condition, behind others, that leaves the rows of a table which MySQL has: rows that are deleted and kept
    (hard_delete: false in its contract) are the latest of nothing. Nothing where the table keeps none. -#}
{% macro and_is_live(table) -%}
    {%- set found = (graph.get('nodes', {}).values() | selectattr('name', 'equalto', table) | list) if execute else [] -%}
    {%- set contract = contract_of(found[0]) if found else {} -%}
    {%- if contract.keeps_deleted %}
    and {{ column_sql(contract.deleted_at, contract.columns) }} is null
    {%- endif -%}
{%- endmacro %}
