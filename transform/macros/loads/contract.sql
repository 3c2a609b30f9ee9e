{#- What a table's YAML file says, which is all that is said of it anywhere. dbt renders a model's SQL once before it has
    read that file: `model.columns` and the config are there only while `execute` is true. -#}

{#- How a table comes to hold what was loaded, and from what:
      columns          the contract's, by name
      unique_key       of a row, as a list; empty: none
      replication_key  what grows when a row changes; none where each row says when it was read (LOG_BASED)
      kind             merged: the newest version of each row; copied: the newest copy of the whole table;
                       appended: the rows of every load
      deleted_at       the contract's own column that says when a row was found deleted; none: it has no such column
      keeps_deleted    whether rows that are deleted in MySQL stay, marked by it (hard_delete: false)
      by_log           whether MySQL's log tells which are (LOG_BASED)
    A unit test knows neither columns nor config of the model that it tests, and overrides this macro. -#}
{% macro table_contract() -%}
    {%- set contract = contract_of(model) -%}
    {%- do refuse_hard_delete(model, contract) -%}
    {{- return(contract) -}}
{%- endmacro %}

{% macro contract_of(node) -%}
    {%- set unique_key = node.config.unique_key or [] -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {%- set meta = node.config.meta -%}
    {%- set method = (meta.replication_method or 'INCREMENTAL') | upper -%}
    {#- Without a word of hard_delete a column of this name is MySQL's. -#}
    {%- set deleted_at = (meta.deleted_at or 'deleted_at') if 'hard_delete' in meta else none -%}
    {%- do refuse_contract(node, keys, method, meta.replication_key) -%}
    {{- return({
        'columns': node.columns,
        'unique_key': keys,
        'replication_key': none if method == 'LOG_BASED' else meta.replication_key,
        'kind': 'copied' if method == 'FULL_TABLE' else 'merged' if keys else 'appended',
        'deleted_at': deleted_at if deleted_at in node.columns else none,
        'keeps_deleted': meta.hard_delete is sameas false and deleted_at in node.columns,
        'by_log': method == 'LOG_BASED',
    }) -}}
{%- endmacro %}

{% macro refuse_contract(node, keys, method, replication_key) -%}
    {%- set wrong = [] -%}
    {%- if method not in ('INCREMENTAL', 'LOG_BASED', 'FULL_TABLE') -%}
        {%- do wrong.append(
            'meta.replication_method is ' ~ method ~ ', not INCREMENTAL, LOG_BASED or FULL_TABLE'
        ) -%}
    {%- elif method == 'LOG_BASED' and not keys -%}
        {%- do wrong.append('it is read from the binary log and needs unique_key to identify deleted rows') -%}
    {%- elif method == 'INCREMENTAL' and keys and not replication_key -%}
        {%- do wrong.append('it needs meta.replication_key: the column whose value increases when a row changes') -%}
    {%- endif -%}
    {%- for name in keys + ([replication_key] if replication_key else []) if name not in node.columns -%}
        {%- do wrong.append(name ~ ' is in its config but not among its columns') -%}
    {%- endfor -%}
    {#- Redshift sorts, joins and distributes by no SUPER column:
        https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html -#}
    {%- set sort = node.config.get('sort') or [] -%}
    {%- set by = keys + [replication_key, node.config.get('dist')] + ([sort] if sort is string else sort) -%}
    {%- for name in by | unique if (node.columns[name] or {}).data_type | lower == 'super' -%}
        {%- do wrong.append(name ~ ' is a key of it, and cannot be of type super') -%}
    {%- endfor -%}
    {%- do refuse_wrong(node, wrong) -%}
{%- endmacro %}

{#- Only of the model that is built: no other is to stop by it. -#}
{% macro refuse_hard_delete(node, contract) -%}
    {%- set wrong = [] -%}
    {%- set hard_delete = node.config.meta.get('hard_delete', true) -%}
    {%- if hard_delete not in (true, false) -%}
        {%- do wrong.append('meta.hard_delete is ' ~ hard_delete ~ ', not true or false') -%}
    {%- elif not hard_delete and contract.kind != 'merged' -%}
        {%- do wrong.append('meta.hard_delete is false, but its deleted rows cannot be identified: it has no key,'
            ~ ' or is read in full') -%}
    {%- elif not hard_delete and not contract.deleted_at -%}
        {%- do wrong.append('meta.hard_delete is false, but it has no column deleted_at:'
            ~ ' tidemark add ' ~ node.config.meta.source ~ ' --soft-delete') -%}
    {%- endif -%}
    {%- do refuse_wrong(node, wrong) -%}
{%- endmacro %}

{% macro refuse_wrong(node, wrong) -%}
    {%- if wrong -%}
        {%- do exceptions.raise_compiler_error(node.name ~ ' cannot be built: ' ~ wrong | join('; ')) -%}
    {%- endif -%}
{%- endmacro %}

{#- The model's name, also in a unit test of it, where `model` is the test. -#}
{% macro merged_model() -%}
    {{- return((model.tested_node_unique_id or model.unique_id).split('.')[2]) -}}
{%- endmacro %}

{#- A column's name as SQL, quoted where its `quote` says so; names of our own are not among `columns`. -#}
{% macro column_sql(name, columns=none) -%}
    {%- set known = table_contract().columns if columns is none else columns -%}
    {{- return(quoted(name) if (known[name] or {}).quote else name) -}}
{%- endmacro %}

{#- Several, each behind `prefix`. -#}
{% macro columns_sql(names, columns=none, prefix='') -%}
    {%- set told = [] -%}
    {%- for name in names -%}
        {%- do told.append(prefix ~ column_sql(name, columns)) -%}
    {%- endfor -%}
    {{- return(told) -}}
{%- endmacro %}

{#- What the loader puts behind a table's own columns, by name. -#}
{% macro system_columns() -%}
    {{- return({
        '_sdc_extracted_at': 'timestamp',
        '_sdc_deleted_at': 'timestamp',
        '_tidemark_load_id': 'bigint',
    }) -}}
{%- endmacro %}
