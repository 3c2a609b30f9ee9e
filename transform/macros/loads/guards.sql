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
    same version or a newer one; what the table holds is known from <table>__versions, even if the table itself
    was dropped by hand. -#}
{% macro refuse_to_lose_rows(relation, batch) -%}
    {%- set replication_key = replication_key_of(model) -%}
    {%- set keys = [config.require('unique_key')] if config.require('unique_key') is string
        else config.require('unique_key') -%}
    {%- set lost = run_query(
        'select count(*), min(known.' ~ keys[0] ~ ') from ' ~ state_relation(model.name, 'versions') ~ ' as known'
        ~ ' left join ' ~ batch.identifier ~ ' as batch on '
        ~ same_key_sql('known', 'batch', keys)
        ~ ' where known._sdc_deleted_at is null and (batch.' ~ keys[0] ~ ' is null or '
        ~ is_newer_content('known', 'batch', replication_key) ~ ')'
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

{#- A load that was retired from landing before it was built would be missed without a word. -#}
{% macro refuse_retired_loads(relation, unbuilt) -%}
    {%- if config.get('meta', {}).get('load_method', 'append-only') == 'append-only' -%}
        {%- set retired = run_query(
            'select count(*), min(unbuilt.load_id), sum(unbuilt.row_count) from ' ~ unbuilt.identifier ~ ' as unbuilt'
            ~ ' left join (select _tidemark_load_id, count(*) as row_count from '
            ~ source('landing', model.name) ~ ' where _tidemark_load_id in (select load_id from '
            ~ unbuilt.identifier ~ ') group by _tidemark_load_id) as landed'
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

{% macro same_key_sql(a, b, keys) -%}
    {%- for key in keys -%}
        {{ ' and ' if not loop.first }}{{ a }}.{{ key }} = {{ b }}.{{ key }}
    {%- endfor -%}
{%- endmacro %}
