{#- A table that holds the newest version of every row that was ever loaded.

    The model gives the newest versions among the loads that the table does not hold yet (unbuilt.sql,
    versions.sql), with `_sdc_extracted_at`, `_sdc_deleted_at` and `_tidemark_load_id` behind the table's own
    columns. In ONE transaction they replace the rows of the same key (a deleted row is only taken out), and what
    the table now holds is written down beside it (state.sql). So a run that is killed changes nothing, and a run
    that is repeated changes nothing more.

    The transaction begins with a LOCK that every build of the table asks for (hold.sql), and decides then which loads
    it takes: a load that is committed while a build works is the next one's. The same in a rebuild, which forgets
    first what the table holds.

    Config: unique_key, meta.replication_key, dist, sort, and the contract, which gives the columns and their types.

    The table is never dropped while it keeps its columns, --full-refresh included: its rows are replaced inside
    the transaction, so that readers, grants and the views of others on it see nothing of it. -#}
{% materialization merged_loads, adapter='redshift' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- do refuse_partial_input(target_relation) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- do hold_table() -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {#- dbt's own list of relations is as old as the run. -#}
    {%- set existing = relation_now(target_relation) -%}
    {%- set rebuild = should_full_refresh() or existing is none -%}
    {%- set unbuilt = api.Relation.create(identifier=model.name ~ '__unbuilt', type='table') -%}
    {%- set batch = api.Relation.create(identifier=model.name ~ '__batch', type='table') -%}
    {%- set forgotten = api.Relation.create(identifier=model.name ~ '__forgotten', type='table') -%}
    {%- if rebuild -%}
        {%- do forget_everything(target_relation, existing, forgotten) -%}
    {%- endif -%}
    {%- do take_loads(unbuilt) -%}
    {%- set taken = in_taken_loads(unbuilt) -%}
    {% call statement('batch') -%}
        {{ create_batch_sql(target_relation, batch, taken, sql) }}
    {%- endcall %}

    {%- do get_assert_columns_equivalent(
        'select ' ~ model.columns.keys() | join(', ') ~ ' from ' ~ batch.identifier
    ) -%}

    {%- do refuse_other_loads(target_relation, batch, unbuilt) -%}
    {%- if rebuild -%}
        {%- do refuse_to_lose_rows(target_relation, batch, forgotten) -%}
    {%- else -%}
        {%- do refuse_retired_loads(target_relation, unbuilt, taken) -%}
    {%- endif -%}
    {%- set replaced = prepare_table(target_relation, existing, rebuild) -%}

    {% call statement('main') -%}
        {{ merge_batch_sql(target_relation, batch) }}
    {%- endcall %}
    {% call statement('remember') -%}
        {{ remember_sql(batch, unbuilt) }}
    {%- endcall %}

    {%- set grant_config = config.get('grants') -%}
    {%- do apply_grants(target_relation, grant_config, should_revoke=existing is not none and not replaced) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Temporary tables outlive a transaction, so one of an earlier run in the same session goes first. -#}
{% macro create_batch_sql(relation, batch, taken, sql) -%}
    {%- set any_unbuilt = in_unbuilt_loads(model.name) -%}
    {%- if any_unbuilt not in sql -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' does not choose its loads: use newest_unbuilt, or in_unbuilt_loads, in the model'
        ) -%}
    {%- endif -%}
    drop table if exists {{ batch.identifier }};
    create temporary table {{ batch.identifier }} as (
        {{ sql | replace(any_unbuilt, taken) }}
    );
{%- endmacro %}

{% macro merge_batch_sql(target_relation, batch) -%}
    {%- set columns = model.columns.keys() | join(', ') -%}
    {{ delete_keys_sql(target_relation, batch) }}
    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ batch.identifier }}
    where _sdc_deleted_at is null;
{%- endmacro %}

{% macro remember_sql(batch, unbuilt) -%}
    {%- set versions = state_relation(model.name, 'versions') -%}
    {%- set columns = version_columns(config.require('unique_key'), replication_key_of(model)) | join(', ') -%}
    {{ delete_keys_sql(versions, batch) }}
    insert into {{ versions }} ({{ columns }})
    select {{ columns }}
    from {{ batch.identifier }};
    insert into {{ state_relation(model.name, 'loads') }} (load_id, row_count, built_at, invocation_id)
    select load_id, row_count, getdate(), '{{ invocation_id }}'
    from {{ unbuilt.identifier }};
{%- endmacro %}

{% macro delete_keys_sql(relation, batch) -%}
    {%- set unique_key = config.require('unique_key') -%}
    delete from {{ relation }}
    using {{ batch.identifier }}
    where
        {%- for key in ([unique_key] if unique_key is string else unique_key) %}
        {{ 'and ' if not loop.first }}{{ relation.identifier }}.{{ key }} = {{ batch.identifier }}.{{ key }}
        {%- endfor %};
{%- endmacro %}
