{#- A table that holds the newest version of every row that was ever loaded.

    The model gives the newest versions among the loads that the table does not hold yet (unbuilt.sql,
    versions.sql), with `_sdc_extracted_at`, `_sdc_deleted_at` and `_tidemark_load_id` behind the table's own
    columns. In ONE transaction they replace the rows of the same key (a deleted row is only taken out), and what
    the table now holds is written down beside it (state.sql). So a run that is killed changes nothing, and a run
    that is repeated changes nothing more.

    Config: unique_key, meta.replication_key, dist, sort, and the contract, which gives the columns and their types.

    The table is never dropped while it keeps its columns, --full-refresh included: its rows are replaced inside
    the transaction, so that readers, grants and the views of others on it see nothing of it. -#}
{% materialization merged_loads, adapter='redshift' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set rebuild = is_rebuild() -%}
    {%- do refuse_partial_input(target_relation) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set batch = api.Relation.create(identifier=model.name ~ '__batch', type='table') -%}
    {%- set unbuilt = api.Relation.create(identifier=model.name ~ '__unbuilt', type='table') -%}
    {% call statement('batch', auto_begin=True) -%}
        {{ create_batch_sql(batch, unbuilt, sql) }}
    {%- endcall %}

    {%- do get_assert_columns_equivalent(
        'select ' ~ model.columns.keys() | join(', ') ~ ' from ' ~ batch.identifier
    ) -%}

    {%- if rebuild -%}
        {%- do refuse_to_lose_rows(target_relation, batch) -%}
        {%- do forget_everything(target_relation, existing) -%}
    {%- else -%}
        {%- do refuse_retired_loads(target_relation, unbuilt) -%}
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
{% macro create_batch_sql(batch, unbuilt, sql) -%}
    drop table if exists {{ batch.identifier }};
    drop table if exists {{ unbuilt.identifier }};
    create temporary table {{ unbuilt.identifier }} as (
        select unbuilt.load_id, sum(ledger.row_count) as row_count
        from (
            {{ unbuilt_loads_sql(
                model.name, source('landing', 'tidemark_loads'), state_relation(model.name, 'loads')
            ) }}
            group by ledger.load_id
        ) as unbuilt
        inner join {{ source('landing', 'tidemark_loads') }} as ledger
            on unbuilt.load_id = ledger.load_id and ledger.landing_table = '{{ model.name }}'
        group by unbuilt.load_id
    );
    create temporary table {{ batch.identifier }} as (
        {{ sql }}
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
