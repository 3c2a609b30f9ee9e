{#- A table that holds what was loaded: the newest version of every row, or, without a key, every row; of a table that is
    read in full (FULL_TABLE) the newest copy (contract.sql, `kind`).

    The model gives those rows of the loads that the table does not hold yet (table_from_contract.sql), with
    `_sdc_extracted_at`, `_sdc_deleted_at` and `_tidemark_load_id` behind the table's own columns. In ONE transaction
    they replace the rows of the same key (a deleted row is only taken out, or kept and marked), or join the others, or replace them all; and
    what the table now holds is written down beside it (state.sql). So a run that is killed changes nothing, and a run
    that is repeated changes nothing more.

    Temporary tables end with the session, and a session is of one node: dbt closes a node's connection at its end.

    The transaction begins with a LOCK that every build of the table asks for (hold.sql), and decides then which loads
    it takes: a load that is committed while a build works is the next one's. The same in a rebuild, which forgets
    first what the table holds.

    Config: unique_key, meta.replication_method, meta.replication_key, dist, sort, and the contract, which gives the
    columns and their types.

    The table is never dropped while it keeps its columns, --full-refresh included: its rows are replaced inside
    the transaction, so that readers, grants and the views of others on it see nothing of it. -#}
{% materialization merged_loads, adapter='redshift' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- do refuse_partial_input(target_relation) -%}
    {%- set contract = table_contract() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- if not should_full_refresh() -%}
        {%- do widen_columns(target_relation, contract) -%}
    {%- endif -%}
    {%- do hold_table() -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {#- dbt's own list of relations is as old as the run. -#}
    {%- set existing = relation_now(target_relation) -%}
    {%- set rebuild = should_full_refresh() or existing is none -%}
    {%- set unbuilt = api.Relation.create(identifier=model.name ~ '__unbuilt', type='table') -%}
    {%- set batch = api.Relation.create(identifier=model.name ~ '__batch', type='table') -%}
    {%- set forgotten = api.Relation.create(identifier=model.name ~ '__forgotten', type='table') -%}
    {%- if rebuild -%}
        {%- do forget_everything(target_relation, existing, forgotten, contract) -%}
    {%- endif -%}
    {%- do take_loads(unbuilt) -%}
    {%- set taken = taken_rows(unbuilt, contract) -%}
    {%- if is_landed(target_relation) -%}
        {%- do refuse_text_for_super(target_relation, contract) -%}
        {%- do create_batch(target_relation, batch, taken, sql) -%}
    {%- else -%}
        {%- do create_empty_batch(batch, contract) -%}
    {%- endif -%}

    {%- do get_assert_columns_equivalent(
        'select ' ~ columns_sql(contract.columns) | join(', ') ~ ' from ' ~ batch
    ) -%}

    {%- do refuse_other_loads(target_relation, batch, unbuilt) -%}
    {%- if contract.kind == 'copied' -%}
        {%- do refuse_part_of_a_copy(target_relation, batch, unbuilt, taken) -%}
        {%- if rebuild and taken is not none -%}
            {%- do refuse_to_take_a_part_for_a_copy(target_relation, unbuilt, forgotten) -%}
        {%- endif -%}
    {%- elif rebuild and contract.kind == 'merged' -%}
        {%- do refuse_to_lose_rows(target_relation, batch, forgotten, contract) -%}
    {%- elif rebuild -%}
        {%- do refuse_to_lose_loads(target_relation, batch, forgotten) -%}
    {%- elif taken is not none and load_method() == 'append-only' -%}
        {%- do refuse_retired_loads(target_relation, unbuilt, taken) -%}
    {%- endif -%}
    {%- set replaced = prepare_table(target_relation, existing, rebuild, contract) -%}

    {% call statement('main') -%}
        {{ merge_batch_sql(target_relation, batch, contract, taken) }}
    {%- endcall %}
    {% call statement('remember') -%}
        {{ remember_sql(batch, unbuilt, contract, taken) }}
    {%- endcall %}
    {%- do show_marks(target_relation, contract) -%}

    {%- set grant_config = config.get('grants') -%}
    {%- do apply_grants(target_relation, grant_config, should_revoke=existing is not none and not replaced) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro create_batch(relation, batch, taken, sql) -%}
    {%- set chosen = loads_of_model() -%}
    {%- if chosen not in sql -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' does not select its loads: its SQL must be {{ table_from_contract() }}'
        ) -%}
    {%- endif -%}
    {%- call statement('batch') -%}
        create temporary table {{ batch }} as (
            {{ sql | replace(chosen, taken or '1 = 0') }}
        )
    {%- endcall -%}
{%- endmacro %}

{% macro create_empty_batch(batch, contract) -%}
    {%- call statement('batch') -%}
        create temporary table {{ batch }} (
            {%- for name, column in contract.columns.items() %}
            {{ column_sql(name) }} {{ column.data_type }},
            {%- endfor %}
            {%- for name, data_type in system_columns().items() %}
            {{ name }} {{ data_type }},
            {%- endfor %}
            _tidemark_has_values boolean
        )
    {%- endcall -%}
{%- endmacro %}

{% macro merge_batch_sql(target_relation, batch, contract, taken) -%}
    {%- set columns = columns_sql(contract.columns) | join(', ') -%}
    {%- if contract.keeps_deleted -%}
        {{ mark_deleted_sql(target_relation, batch, contract) }}
    {%- elif contract.deleted_at and contract.kind == 'merged' -%}
        {{ remove_marked_sql(target_relation, contract) }}
    {%- endif %}
    {% if contract.kind == 'merged' -%}
        {{ delete_keys_sql(target_relation, batch, contract.unique_key, contract.keeps_deleted) }}
    {%- elif contract.kind == 'copied' and taken is not none -%}
        delete from {{ target_relation }};
    {%- endif %}
    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ batch }}
    where {{ '_tidemark_has_values' if contract.keeps_deleted else '_sdc_deleted_at is null' }};
{%- endmacro %}

{#- Rows that are deleted and keep the values that they have; the others are in the batch with theirs. -#}
{% macro mark_deleted_sql(target_relation, batch, contract) -%}
    update {{ target_relation }}
    set {{ column_sql(contract.deleted_at) }} = {{ batch }}._sdc_deleted_at
    from {{ batch }}
    where
        {{ same_key_sql(target_relation.include(database=false, schema=false), batch, contract.unique_key) }}
        and not {{ batch }}._tidemark_has_values;
{%- endmacro %}

{#- Of a table that kept deleted rows, and keeps none from now on (hard_delete: true). -#}
{% macro remove_marked_sql(target_relation, contract) -%}
    {%- set versions = state_relation(model.name, 'versions') -%}
    {%- set table = target_relation.include(database=false, schema=false) -%}
    {%- set deleted_at = column_sql(contract.deleted_at) -%}
    delete from {{ target_relation }}
    using {{ versions }}
    where
        {{ same_key_sql(table, versions.include(database=false, schema=false), contract.unique_key) }}
        and {{ table }}.{{ deleted_at }} is not null
        and {{ versions.include(database=false, schema=false) }}._sdc_deleted_at is not null;
    update {{ target_relation }} set {{ deleted_at }} = null where {{ deleted_at }} is not null;
{%- endmacro %}

{% macro remember_sql(batch, unbuilt, contract, taken) -%}
    {%- set versions = state_relation(model.name, 'versions') -%}
    {%- if contract.kind == 'merged' -%}
        {%- set columns = columns_sql(version_columns(contract)) | join(', ') -%}
        {{ delete_keys_sql(versions, batch, contract.unique_key) }}
        insert into {{ versions }} ({{ columns }})
        select {{ columns }}
        from {{ batch }};
    {%- elif contract.kind == 'copied' and taken is not none and is_there(versions) %}
        delete from {{ versions }};
    {%- endif %}
    insert into {{ state_relation(model.name, 'loads') }} (load_id, row_count, built_at, invocation_id)
    select load_id, row_count, getdate(), '{{ invocation_id }}'
    from {{ unbuilt }};
{%- endmacro %}

{% macro delete_keys_sql(relation, batch, keys, only_with_values=false) -%}
    delete from {{ relation }}
    using {{ batch }}
    where {{ same_key_sql(relation.include(database=false, schema=false), batch, keys) }}
        {{- ' and ' ~ batch ~ '._tidemark_has_values' if only_with_values }};
{%- endmacro %}
