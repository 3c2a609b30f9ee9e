{#- More room for text in a table that is there, as its contract has it now. Before the transaction: Redshift changes no
    column's type within one. A build that fails afterwards has done no harm, for a wider column holds what it held.
    Of keys it widens none (Redshift refuses); those are for --full-refresh, as all other types are (structure.sql).
    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html -#}
{% macro widen_columns(relation, contract) -%}
    {%- set found = run_query(
        "select column_name, character_maximum_length from information_schema.columns where table_schema = '"
        ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "' and data_type = 'character varying'"
    ).rows -%}
    {%- for name, size in found if name in contract.columns and name not in contract.unique_key -%}
        {%- set wanted = varchar_size(contract.columns[name].data_type) -%}
        {%- if wanted > (size or 0) -%}
            {%- do run_query(
                'alter table ' ~ relation ~ ' alter column ' ~ quoted(name) ~ ' type varchar(' ~ wanted ~ ')'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- The bytes that `varchar(n)` has; of all else 0. -#}
{% macro varchar_size(data_type) -%}
    {%- set found = modules.re.fullmatch('varchar\\((\\d+)\\)', data_type | lower | replace(' ', '')) -%}
    {{- return(found.group(1) | int if found else 0) -}}
{%- endmacro %}
