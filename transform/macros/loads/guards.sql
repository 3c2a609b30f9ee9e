{#- What stops a build before rows are lost, each with the command that helps. -#}

{#- `--empty` and `--sample` give a model a part of its rows; the loads would count as built all the same. -#}
{% macro refuse_partial_input(relation) -%}
    {%- if flags.EMPTY or flags.SAMPLE -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is built from whole loads: --empty and --sample would mark rows as built that are'
            ~ ' not. Run without them, or against your own schema (REDSHIFT_SCHEMA=dev_yourname).'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether the landing table is there. A table of which nothing was loaded yet is built with no rows, and named; one
    that is gone with what was loaded into it stops its model. -#}
{% macro is_landed(relation) -%}
    {%- set landing = source('landing', model.name) -%}
    {%- if is_there(landing) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- set loads = run_query('select count(distinct load_id)' ~ ledger_sql()).rows[0][0]
        if is_there(source('landing', 'tidemark_loads')) else 0 -%}
    {%- if loads and not var('accept_incomplete_landing') -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is unchanged: ' ~ landing.schema ~ '.' ~ landing.identifier ~ ' no longer exists, but '
            ~ loads ~ ' of its loads are in landing.tidemark_loads. ' ~ load_again()
        ) -%}
    {%- endif -%}
    {%- do exceptions.warn(
        'nothing has been loaded into ' ~ landing.schema ~ '.' ~ landing.identifier ~ ' yet: '
        ~ relation.schema ~ '.' ~ relation.identifier ~ ' is built without rows. Next: meltano run backup load; if the'
        ~ ' warning persists, tidemark status'
    ) -%}
    {{- return(false) -}}
{%- endmacro %}

{#- A column that was made SUPER in the contract, and not yet in landing. Asked only of tables that have one. -#}
{% macro refuse_text_for_super(relation, contract) -%}
    {%- set wanted = [] -%}
    {%- for name, column in contract.columns.items() if column.data_type | lower == 'super' -%}
        {%- do wanted.append(name) -%}
    {%- endfor -%}
    {%- if wanted -%}
        {%- set landing = source('landing', model.name) -%}
        {%- set found = run_query(
            "select column_name from information_schema.columns where table_schema = '" ~ landing.schema
            ~ "' and table_name = '" ~ landing.identifier ~ "' and data_type = 'super'"
        ).columns[0].values() -%}
        {%- set missing = wanted | reject('in', found) | list -%}
        {%- if missing -%}
            {%- do exceptions.raise_compiler_error(
                relation.render() ~ ' is unchanged: ' ~ missing | join(', ') ~ ' is SUPER in its contract, but not in '
                ~ landing.schema ~ '.' ~ landing.identifier ~ ' yet: tidemark rebuild -t '
                ~ config.get('meta').source ~ ' --from-lake'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Landing keeps a load for some days only. A rebuild from it must give every row that the table holds, in the
    same version or a newer one, or its last values if it is deleted and kept; what the table held is known from <table>__versions (now in `forgotten`), even if the
    table itself was dropped by hand. -#}
{% macro refuse_to_lose_rows(relation, batch, forgotten, contract) -%}
    {%- set key = contract.unique_key[0] -%}
    {%- set lost = run_query(
        'select count(*), min(' ~ comparable_sql('known.' ~ column_sql(key), key) ~ ') from '
        ~ forgotten ~ ' as known left join ' ~ batch ~ ' as batch on '
        ~ same_key_sql('known', 'batch', contract.unique_key)
        ~ ' where known._sdc_deleted_at is null and (batch.' ~ column_sql(key) ~ ' is null or '
        ~ ('not batch._tidemark_has_values or ' if contract.keeps_deleted else '')
        ~ is_newer_content('known', 'batch', contract.replication_key) ~ ')'
    ).rows[0] -%}
    {%- if lost[0] and not var('accept_incomplete_landing') -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' was not rebuilt and is unchanged: landing.' ~ model.name ~ ' no longer has '
            ~ lost[0] ~ ' of its rows (the first: ' ~ key ~ ' = ' ~ lost[1] ~ '), because old loads were removed'
            ~ ' from it. Load the table again from the lake (docs/loading.md, "Rebuild a table"), then run'
            ~ ' the command again. To drop those rows permanently: --vars "accept_incomplete_landing: true".'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- The same of a table whose rows have no key: what it held is known load by load. -#}
{% macro refuse_to_lose_loads(relation, batch, forgotten) -%}
    {%- do refuse_missing_rows(
        relation, forgotten, '(select * from ' ~ batch ~ ') as landed', 'they were removed from it'
    ) -%}
{%- endmacro %}

{#- A load that was retired from landing before it was built would be missed without a word. Only where landing keeps
    every version: an upsert and an overwrite take rows of older loads out as they should. -#}
{% macro refuse_retired_loads(relation, unbuilt, taken) -%}
    {%- do refuse_missing_rows(
        relation, unbuilt, source('landing', model.name) ~ ' as landed where ' ~ taken,
        'they were retired before they were built'
    ) -%}
{%- endmacro %}

{% macro refuse_missing_rows(relation, loads, landed, why) -%}
    {%- set lost = run_query(
        'select count(*), min(loads.load_id) from ' ~ loads ~ ' as loads'
        ~ ' left join (select _tidemark_load_id, count(*) as row_count from ' ~ landed
        ~ ' group by _tidemark_load_id) as landed on loads.load_id = landed._tidemark_load_id'
        ~ ' where loads.row_count > coalesce(landed.row_count, 0)'
    ).rows[0] -%}
    {%- if lost[0] and not var('accept_incomplete_landing') -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is unchanged: ' ~ lost[0] ~ ' of its loads (the first: ' ~ lost[1]
            ~ ') have fewer rows in landing.' ~ model.name ~ ' than landing.tidemark_loads says; ' ~ why ~ '. '
            ~ load_again()
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- A copy counts only whole: all of the rows that its files have. -#}
{% macro refuse_part_of_a_copy(relation, batch, unbuilt, taken) -%}
    {%- if taken is not none and load_method() != 'upsert' and not var('accept_incomplete_landing') -%}
        {%- set load_id = run_query('select max(load_id) from ' ~ unbuilt).rows[0][0] -%}
        {%- set rows = run_query(
            'select (select sum(row_count)' ~ ledger_sql() ~ ' and load_id = ' ~ load_id | int
            ~ ' and (manifest is null or extracted_at = (select max(extracted_at)' ~ copies_sql(load_id) ~ '))),'
            ~ ' (select count(*) from ' ~ batch ~ ')'
        ).rows[0] -%}
        {%- if (rows[0] or 0) > rows[1] -%}
            {%- do exceptions.raise_compiler_error(
                relation.render() ~ ' is unchanged: landing.' ~ model.name ~ ' has ' ~ rows[1] ~ ' of the ' ~ rows[0]
                ~ ' rows of its newest copy, load ' ~ load_id ~ '. ' ~ load_again()
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- A table that was merged from its loads until now, and is read in full from now on: the last of those loads is a part
    of it. <table>__versions is emptied by the first copy. -#}
{% macro refuse_to_take_a_part_for_a_copy(relation, unbuilt, forgotten) -%}
    {%- set versions = state_relation(model.name, 'versions') -%}
    {%- if is_there(versions) and not var('accept_incomplete_landing') -%}
        {%- set known = run_query(
            'select (select count(*) from ' ~ versions ~ '), (select count(*) from ' ~ forgotten
            ~ ' where load_id = (select max(load_id) from ' ~ unbuilt ~ '))'
        ).rows[0] -%}
        {%- if known[0] and known[1] -%}
            {%- do exceptions.raise_compiler_error(
                relation.render() ~ ' is unchanged: no complete copy was loaded since its replication_method became'
                ~ ' FULL_TABLE. Load one (meltano run backup load), then run the command again.'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro load_again() -%}
    {{- return(
        'Load them again from the lake (docs/loading.md, "Rebuild a table"), or continue without them: --vars'
        ~ ' "accept_incomplete_landing: true".'
    ) -}}
{%- endmacro %}

{#- A row whose load is not marked would be merged again, and against a version that is not known. -#}
{% macro refuse_other_loads(relation, batch, unbuilt) -%}
    {%- set others = run_query(
        'select count(*), min(batch._tidemark_load_id) from ' ~ batch ~ ' as batch left join '
        ~ unbuilt ~ ' as unbuilt on batch._tidemark_load_id = unbuilt.load_id'
        ~ ' where unbuilt.load_id is null'
    ).rows[0] -%}
    {%- if others[0] -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is unchanged: the model gives ' ~ others[0] ~ ' rows of loads that this build does'
            ~ ' not take (the first: ' ~ others[1] ~ '). Its SQL is {{ table_from_contract() }} and no more.'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- How landing is loaded: as the model's meta says, where its loader has a setting of its own, else as .env does. -#}
{% macro load_method() -%}
    {{- return(config.get('meta', {}).get('load_method') or env_var('LOAD_METHOD', '') or 'append-only') -}}
{%- endmacro %}

{#- An expression of a key's column that MIN takes, which has no form for VARBYTE. -#}
{% macro comparable_sql(expression, column) -%}
    {%- set data_type = model.columns[column].data_type | lower -%}
    {{- 'to_hex(' ~ expression ~ ')' if data_type.startswith('varbyte') else expression -}}
{%- endmacro %}

{% macro same_key_sql(a, b, keys) -%}
    {%- for key in columns_sql(keys) -%}
        {{ ' and ' if not loop.first }}{{ a }}.{{ key }} = {{ b }}.{{ key }}
    {%- endfor -%}
{%- endmacro %}
