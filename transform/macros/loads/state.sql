{#- What is remembered of a table, beside it, in schema tidemark_dbt:
      <table>__loads     the loads that are in it (one row a load)
      <table>__versions  which version of each row is in it, deleted rows included (one row a key); of merged tables
    One pair a table and not one pair for all: Redshift would make tables that are built side by side fail with
    a serializable isolation violation (error 1023) if they all read and wrote the same table. -#}

{% macro state_relation(model_name, kind) -%}
    {{- return(api.Relation.create(
        database=target.database,
        schema=schema_in_target('tidemark_dbt'),
        identifier=model_name ~ '__' ~ kind,
        type='table'
    )) -}}
{%- endmacro %}

{#- Those of the model; a unit test puts a query in their place. -#}
{% macro known_versions() -%}
    {{- return(state_relation(merged_model(), 'versions')) -}}
{%- endmacro %}

{% macro built_loads() -%}
    {{- return(state_relation(merged_model(), 'loads')) -}}
{%- endmacro %}

{#- The columns of <table>__versions: key, replication key, then how the version came here. -#}
{% macro version_columns(contract) -%}
    {%- set grows = contract.replication_key -%}
    {%- set own = [grows] if grows and grows not in contract.unique_key else [] -%}
    {{- return(contract.unique_key + own + system_columns() | list) -}}
{%- endmacro %}

{#- on-run-start: those of all merged_loads models, created where they are missing. -#}
{% macro create_state_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- set schema = schema_in_target('tidemark_dbt') -%}
        {%- set found = run_query(
            "select lower(table_name) as table_name from information_schema.tables where table_schema = '"
            ~ schema ~ "'"
        ).columns[0].values() -%}
        {%- set missing = [] -%}
        {%- for node in graph.nodes.values() if node.config.materialized == 'merged_loads' -%}
            {%- for kind in state_kinds(node) if (node.name ~ '__' ~ kind) | lower not in found -%}
                {%- do missing.append((node, kind)) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if missing and not adapter.check_schema_exists(target.database, schema) -%}
            {%- do adapter.create_schema(api.Relation.create(database=target.database, schema=schema)) -%}
        {%- endif -%}
        {%- for node, kind in missing -%}
            {%- do run_query(create_state_table_sql(node, kind)) -%}
        {%- endfor -%}
        {%- do add_replication_keys(schema) -%}
    {%- endif -%}
{%- endmacro %}

{#- A table that was read by the log (LOG_BASED) and has a replication key now: its versions until now have none, so that
    any other is newer. -#}
{% macro add_replication_keys(schema) -%}
    {%- set known = run_query(
        "select lower(table_name) || ' ' || lower(column_name) as name from information_schema.columns"
        ~ " where table_schema = '" ~ schema ~ "'"
    ).columns[0].values() -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'merged_loads' -%}
        {%- set key = node.config.meta.replication_key -%}
        {%- set by_key = 'versions' in state_kinds(node) and node.config.meta.replication_method != 'LOG_BASED' -%}
        {%- if by_key and key in node.columns and (node.name ~ '__versions ' ~ key) | lower not in known -%}
            {%- do run_query(
                'alter table ' ~ state_relation(node.name, 'versions') ~ ' add column '
                ~ column_sql(key, node.columns) ~ ' ' ~ node.columns[key].data_type
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#- A model whose contract is wrong says so itself, when it is built. -#}
{% macro state_kinds(node) -%}
    {%- set method = (node.config.meta.replication_method or '') | upper -%}
    {%- set merged = method == 'LOG_BASED' or method != 'FULL_TABLE' and node.config.meta.replication_key -%}
    {{- return(['loads', 'versions'] if node.config.unique_key and merged else ['loads']) -}}
{%- endmacro %}

{% macro create_state_table_sql(node, kind) -%}
    create table if not exists {{ state_relation(node.name, kind) }}
    {%- if kind == 'loads' %} (
        load_id bigint not null,
        row_count bigint not null,
        built_at timestamp not null,
        invocation_id varchar(64) not null,
        primary key (load_id)
    ) diststyle all sortkey (load_id)
    {%- else %}
    {%- set contract = contract_of(node) -%}
    {%- set keys = columns_sql(contract.unique_key, contract.columns) -%}
    {%- set placed = columns_sql(placing(contract), contract.columns) %} (
        {%- for name in version_columns(contract) %}
        {{ column_sql(name, contract.columns) }} {{ system_columns()[name] or contract.columns[name].data_type }}
            {{- ' not null' if name in contract.unique_key }},
        {%- endfor %}
        primary key ({{ keys | join(', ') }})
    ) {%- if placed %} distkey ({{ placed[0] }}) sortkey ({{ placed | join(', ') }}) {%- endif %}
    {%- endif %}
{%- endmacro %}

{#- The columns of its key by which Redshift distributes and sorts: VARBYTE is not among their types.
    https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html -#}
{% macro placing(contract) -%}
    {%- set names = [] -%}
    {%- for name in contract.unique_key if not contract.columns[name].data_type.lower().startswith('varbyte') -%}
        {%- do names.append(name) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}
