{#- More room in a table that is there, as its contract has it now. -#}

{#- For text, before the transaction: Redshift changes no column's type within one. A build that fails afterwards has done
    no harm, for a wider column holds what it held. Of keys it widens none (Redshift refuses): see `widen`.
    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html -#}
{% macro widen_columns(relation, contract) -%}
    {%- set found = run_query(
        "select column_name, character_maximum_length from information_schema.columns where table_schema = '"
        ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "' and data_type = 'character varying'"
    ).rows -%}
    {%- set sort = config.get('sort') or [] -%}
    {%- set keys = contract.unique_key + [config.get('dist')] + ([sort] if sort is string else sort) -%}
    {%- for name, size in found if name in contract.columns and name not in keys -%}
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

{#- Whether every column that is there is still wanted, and holds all that it held. -#}
{% macro are_wider(wanted, found) -%}
    {%- set narrower = [] -%}
    {%- for old in found -%}
        {%- set new = wanted | selectattr('name', 'equalto', old.name) | first -%}
        {%- if not new or new.data_type != old.data_type and not is_wider(new, old) -%}
            {%- do narrower.append(old.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(not narrower) -}}
{%- endmacro %}

{% macro is_wider(new, old) -%}
    {%- set integers = ['smallint', 'integer', 'bigint'] -%}
    {%- if old.data_type in integers and new.data_type in integers -%}
        {{- return(integers.index(new.data_type) > integers.index(old.data_type)) -}}
    {%- elif old.is_numeric() and new.is_numeric() -%}
        {%- set scale = (new.numeric_scale or 0) - (old.numeric_scale or 0) -%}
        {{- return(scale >= 0 and (new.numeric_precision or 0) - (old.numeric_precision or 0) >= scale) -}}
    {%- endif -%}
    {{- return(old.is_string() and new.is_string() and new.string_size() > old.string_size()) -}}
{%- endmacro %}

{#- For keys and for numbers, within the transaction: gives the table, and what is remembered of its keys, the contract's
    types and new columns by a copy of the rows, which is what Redshift has for them. -#}
{% macro widen(relation, found, contract) -%}
    {%- set names = [] -%}
    {%- for column in found -%}
        {%- do names.append(quoted(column.name)) -%}
    {%- endfor -%}
    {%- do copy_into_shape(relation, create_contract_table_sql(relation), names) -%}
    {%- if contract.kind == 'merged' -%}
        {%- do copy_into_shape(
            state_relation(model.name, 'versions'), create_state_table_sql(graph.nodes[model.unique_id], 'versions'),
            columns_sql(version_columns(contract))
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- No CASCADE here either. -#}
{% macro copy_into_shape(relation, create_sql, names) -%}
    {%- set narrow = relation.incorporate(path={'identifier': relation.identifier ~ '__narrow'}) -%}
    {%- call statement('copy_into_shape') -%}
        alter table {{ relation }} rename to {{ quoted(narrow.identifier) }};
        {{ create_sql }};
        insert into {{ relation }} ({{ names | join(', ') }})
        select {{ names | join(', ') }} from {{ narrow }};
        drop table {{ narrow }}
    {%- endcall -%}
{%- endmacro %}
