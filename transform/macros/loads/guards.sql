{#- What stops a build before rows are lost, each with the command that helps. -#}

{#- `--empty` and `--sample` give a model a part of its rows; the loads would count as built all the same. -#}
{% macro refuse_partial_input(relation) -%}
    {%- if flags.EMPTY or flags.SAMPLE -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is built from whole loads: --empty and --sample would mark rows as built that are'
            ~ ' not. Run without them, or against a schema of your own (REDSHIFT_SCHEMA=dev_yourname).'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Landing keeps a load for some days only. A rebuild from it must give every row that the table holds, in the
    same version or a newer one; what the table held is known from <table>__versions (now in `forgotten`), even if the
    table itself was dropped by hand. -#}
{% macro refuse_to_lose_rows(relation, batch, forgotten) -%}
    {%- set by = merged_by() -%}
    {%- set keys = by.unique_key -%}
    {%- set lost = run_query(
        'select count(*), min(' ~ comparable_sql('known.' ~ keys[0], keys[0]) ~ ') from '
        ~ forgotten.identifier ~ ' as known left join ' ~ batch.identifier ~ ' as batch on '
        ~ same_key_sql('known', 'batch', keys)
        ~ ' where known._sdc_deleted_at is null and (batch.' ~ keys[0] ~ ' is null or '
        ~ is_newer_content('known', 'batch', by.replication_key) ~ ')'
    ).rows[0] -%}
    {%- if lost[0] and not var('accept_incomplete_landing') -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' was not rebuilt and is unchanged: landing.' ~ model.name ~ ' no longer has '
            ~ lost[0] ~ ' of its rows (the first: ' ~ keys[0] ~ ' = ' ~ lost[1] ~ '), because old loads are retired'
            ~ ' from it. Load the table again from the lake (docs/data-contract.md, "Rebuild a table"), then repeat'
            ~ ' the command. To drop those rows for good: --vars "accept_incomplete_landing: true".'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- A row whose load is not marked would be merged again, and against a version that is not known. -#}
{% macro refuse_other_loads(relation, batch, unbuilt) -%}
    {%- set others = run_query(
        'select count(*), min(batch._tidemark_load_id) from ' ~ batch.identifier ~ ' as batch left join '
        ~ unbuilt.identifier ~ ' as unbuilt on batch._tidemark_load_id = unbuilt.load_id'
        ~ ' where unbuilt.load_id is null'
    ).rows[0] -%}
    {%- if others[0] -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is unchanged: the model gives ' ~ others[0] ~ ' rows of loads that this build does'
            ~ ' not take (the first: ' ~ others[1] ~ '). Take rows from newest_unbuilt only.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- How landing is loaded: as the model's meta says, where its loader has a setting of its own, else as .env does. -#}
{% macro load_method() -%}
    {{- return(config.get('meta', {}).get('load_method') or env_var('LOAD_METHOD', '') or 'append-only') -}}
{%- endmacro %}

{#- A load that was retired from landing before it was built would be missed without a word. Only where landing keeps
    every version: an upsert and an overwrite take rows of older loads out as they should. -#}
{% macro refuse_retired_loads(relation, unbuilt, taken) -%}
    {%- if load_method() == 'append-only' -%}
        {%- set retired = run_query(
            'select count(*), min(unbuilt.load_id), sum(unbuilt.row_count) from ' ~ unbuilt.identifier ~ ' as unbuilt'
            ~ ' left join (select _tidemark_load_id, count(*) as row_count from '
            ~ source('landing', model.name) ~ ' where ' ~ taken ~ ' group by _tidemark_load_id) as landed'
            ~ ' on unbuilt.load_id = landed._tidemark_load_id'
            ~ ' where unbuilt.row_count > coalesce(landed.row_count, 0)'
        ).rows[0] -%}
        {%- if retired[0] and not var('accept_incomplete_landing') -%}
            {%- do exceptions.raise_compiler_error(
                relation.render() ~ ' is unchanged: ' ~ retired[0] ~ ' of its loads (the first: ' ~ retired[1]
                ~ ') have fewer rows in landing.' ~ model.name ~ ' than landing.tidemark_loads says; they were'
                ~ ' retired before they were built. Load them again from the lake (docs/data-contract.md,'
                ~ ' "Rebuild a table"), or go on without them: --vars "accept_incomplete_landing: true".'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- An expression of a key's column that MIN takes, which has no form for VARBYTE. -#}
{% macro comparable_sql(expression, column) -%}
    {%- set data_type = model.columns[column].data_type | lower -%}
    {{- 'to_hex(' ~ expression ~ ')' if data_type.startswith('varbyte') else expression -}}
{%- endmacro %}

{% macro same_key_sql(a, b, keys) -%}
    {%- for key in keys -%}
        {{ ' and ' if not loop.first }}{{ a }}.{{ key }} = {{ b }}.{{ key }}
    {%- endfor -%}
{%- endmacro %}
