{#- The schema of a model: its own (`public`, `tidemark_dbt`) in every shared environment, so that
    dev, staging and prod write the names that consumers use. A developer whose profile names another schema
    than `public` (REDSHIFT_SCHEMA=dev_anna) gets dev_anna for `public` and dev_anna_<schema> for the rest. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- schema_in_target(custom_schema_name or 'public') -}}
{%- endmacro %}

{% macro schema_in_target(name) -%}
    {%- if target.schema == 'public' -%}
        {{- name | trim -}}
    {%- elif name | trim == 'public' -%}
        {{- target.schema -}}
    {%- else -%}
        {{- target.schema ~ '_' ~ name | trim -}}
    {%- endif -%}
{%- endmacro %}
