{#- A name as SQL, whatever is in it; dbt's own adapter.quote leaves a quotation mark in it alone. -#}
{% macro quoted(name) -%}
    {{- return('"' ~ name | replace('"', '""') ~ '"') -}}
{%- endmacro %}

{% macro quoted_list(names) -%}
    {%- for name in names -%}
        {{ quoted(name) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
