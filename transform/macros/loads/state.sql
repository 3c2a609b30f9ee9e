{#- What is remembered of a table, beside it, in schema tidemark_dbt:
      <table>__loads     the loads that are in it (one row a load)
      <table>__versions  which version of each row is in it, deleted rows included (one row a key)
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

{#- The columns of <table>__versions: key, replication key, then how the version came here. -#}
{% macro version_columns(unique_key, replication_key) -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {%- set columns = keys + ([] if replication_key in keys else [replication_key]) -%}
    {{- return(columns + ['_sdc_extracted_at', '_sdc_deleted_at', '_tidemark_load_id']) -}}
{%- endmacro %}

{#- dbt keeps keys of our own in a model's `meta`. -#}
{% macro replication_key_of(node) -%}
    {%- if not node.config.meta.replication_key -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ ' needs meta.replication_key: the column that grows when a row changes'
        ) -%}
    {%- endif -%}
    {{- return(node.config.meta.replication_key) -}}
{%- endmacro %}

{#- on-run-start: the pairs of all merged_loads models, created where they are missing. -#}
{% macro create_state_tables() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- set schema = schema_in_target('tidemark_dbt') -%}
        {%- set found = run_query(
            "select lower(table_name) as table_name from information_schema.tables where table_schema = '"
            ~ schema ~ "'"
        ).columns[0].values() -%}
        {%- set missing = [] -%}
        {%- for node in graph.nodes.values() if node.config.materialized == 'merged_loads' -%}
            {%- for kind in ('loads', 'versions') if node.name ~ '__' ~ kind not in found -%}
                {%- do missing.append((node, kind)) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if missing and not adapter.check_schema_exists(target.database, schema) -%}
            {%- do adapter.create_schema(api.Relation.create(database=target.database, schema=schema)) -%}
        {%- endif -%}
        {%- for node, kind in missing -%}
            {%- do run_query(create_state_table_sql(node, kind)) -%}
        {%- endfor -%}
    {%- endif -%}
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
    {%- set keys = [node.config.unique_key] if node.config.unique_key is string else node.config.unique_key %} (
        {%- for column in version_columns(node.config.unique_key, replication_key_of(node)) %}
            {%- set data_type = node.columns[column].data_type if column in node.columns
                else 'bigint' if column == '_tidemark_load_id' else 'timestamp' %}
        {{ column }} {{ data_type }}{{ ' not null' if column in keys }},
        {%- endfor %}
        primary key ({{ keys | join(', ') }})
    ) distkey ({{ keys[0] }}) sortkey ({{ keys | join(', ') }})
    {%- endif %}
{%- endmacro %}
