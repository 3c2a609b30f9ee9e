{#- A name as SQL, whatever is in it; dbt's own adapter.quote leaves a quotation mark in it alone. -#}
{% macro quoted(name) -%}
    {{- return('"' ~ name | replace('"', '""') ~ '"') -}}
{%- endmacro %}

{% macro quoted_list(names) -%}
    {%- for name in names -%}
        {{ quoted(name) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- A contract's columns with names that are SQL already. -#}
{% macro sql_named(columns) -%}
    {%- set named = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do named.update({name: dict(column, name=column_sql(name, columns), quote=false)}) -%}
    {%- endfor -%}
    {{- return(named) -}}
{%- endmacro %}

{#- What a contract is held against. -#}
{% macro redshift__get_empty_schema_sql(columns) -%}
    {{- return(default__get_empty_schema_sql(sql_named(columns))) -}}
{%- endmacro %}
