{#- The table's own shape: made from the contract, widened with it, made again by --full-refresh. -#}

{#- Takes all rows out of a table and out of what is remembered of it. DELETE and not TRUNCATE, which commits.
    `forgotten` becomes what was remembered of its rows, or of its loads where rows have no key. -#}
{% macro forget_everything(relation, existing, forgotten, contract) -%}
    {%- set by_row = contract.kind == 'merged' -%}
    {%- set keeps = holds_deleted(existing, contract) -%}
    {%- call statement('forget') -%}
        create temporary table {{ forgotten }} as (
            select * from {{ state_relation(model.name, 'versions' if by_row else 'loads') }}
        );
        {% if by_row -%}
            delete from {{ state_relation(model.name, 'versions') }}{{ ' where _sdc_deleted_at is null' if keeps }};
        {%- endif %}
        delete from {{ state_relation(model.name, 'loads') }};
        {% if keeps -%}
            delete from {{ relation }} where {{ column_sql(contract.deleted_at) }} is null;
            delete from {{ relation }}
            using {{ forgotten }}
            where
                {{ same_key_sql(relation.include(database=false, schema=false), forgotten, contract.unique_key) }}
                and {{ forgotten }}._sdc_deleted_at is null;
        {%- elif existing is not none and existing.is_table -%}
            delete from {{ relation }};
        {%- endif %}
    {%- endcall -%}
{%- endmacro %}

{#- Whether the table that is there keeps rows that are deleted in MySQL. No rebuild takes them out, for landing may have
    their last values no more: a table that was read anew has nothing of them. -#}
{% macro holds_deleted(existing, contract) -%}
    {%- if existing is none or not existing.is_table or not contract.keeps_deleted -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- set names = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
    {{- return(contract.deleted_at in names and not var('accept_incomplete_landing')) -}}
{%- endmacro %}

{#- Makes sure that `relation` has the contract's columns; returns true when it was created. -#}
{% macro prepare_table(relation, existing, rebuild, contract) -%}
    {%- if existing is none -%}
        {%- do create_contract_table(relation) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- set columns = wanted_and_found_columns(existing) -%}
    {%- set wanted = columns.wanted -%}
    {%- set found = columns.found -%}
    {%- set added = wanted | rejectattr('name', 'in', found | map(attribute='name') | list) | list -%}
    {%- set changed = changed_columns(wanted, found) -%}
    {%- if not added and not changed -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- if rebuild and holds_deleted(existing, contract) -%}
        {%- set kept = found | map(attribute='name') | select('in', wanted | map(attribute='name') | list) -%}
        {%- do copy_into_shape(relation, create_contract_table_sql(relation), columns_sql(kept)) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- if rebuild -%}
        {#- No CASCADE: a view that somebody bound to the table stops this, and is named by the warehouse. -#}
        {%- call statement('drop_old_shape') -%}
            drop table {{ relation }}
        {%- endcall -%}
        {%- do create_contract_table(relation) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- if changed and are_wider(wanted, found) -%}
        {%- do widen(relation, found, contract) -%}
        {{- return(true) -}}
    {%- endif -%}
    {%- if changed -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ ' is unchanged: its contract has changed in ' ~ changed | join(', ')
            ~ '. Rebuild it: dbt build --full-refresh --select ' ~ model.name
        ) -%}
    {%- endif -%}
    {%- for column in added -%}
        {%- call statement('add_column') -%}
            alter table {{ relation }} add column {{ quoted(column.name) }} {{ column.data_type }}
        {%- endcall -%}
    {%- endfor -%}
    {{- return(false) -}}
{%- endmacro %}

{% macro create_contract_table(relation) -%}
    {%- call statement('create_table') -%}
        {{ create_contract_table_sql(relation) }}
    {%- endcall -%}
{%- endmacro %}

{% macro create_contract_table_sql(relation) -%}
    create table {{ relation }}
    {{ table_columns_and_constraints_sql() }}
    {{ dist_sql(config.get('dist')) }}
    {{ sort_sql(config.get('sort_type'), config.get('sort')) }}
{%- endmacro %}

{#- dbt's own leaves the names in a constraint without quotes. -#}
{% macro table_columns_and_constraints_sql() -%}
    {%- set constraints = [] -%}
    {%- for constraint in model.constraints -%}
        {%- do constraints.append(dict(constraint, columns=columns_sql(constraint.columns))) -%}
    {%- endfor -%}
    (
        {{ (
            adapter.render_raw_columns_constraints(raw_columns=sql_named(model.columns))
            + adapter.render_raw_model_constraints(raw_constraints=constraints)
        ) | join(',\n        ') }}
    )
{%- endmacro %}

{#- How rows lie on the nodes: a style, or the column that says so; without a word Redshift decides (AUTO). -#}
{% macro dist_sql(dist) -%}
    {%- if dist in ('all', 'even') -%}
        diststyle {{ dist }}
    {%- elif dist and dist != 'auto' -%}
        diststyle key distkey ({{ column_sql(dist) }})
    {%- endif -%}
{%- endmacro %}

{#- How rows are sorted: by columns; without a word Redshift decides (AUTO). -#}
{% macro sort_sql(sort_type, sort) -%}
    {%- if sort and sort != 'auto' -%}
        {{ sort_type or 'compound' }} sortkey ({{ columns_sql([sort] if sort is string else sort) | join(', ') }})
    {%- endif -%}
{%- endmacro %}

{#- The contract's columns, and those of the table that is there, as the warehouse itself spells their types. In one
    query: dbt's own is asked once a table, and looks for late-binding views and at external tables too. -#}
{% macro wanted_and_found_columns(existing) -%}
    {%- set shape = api.Relation.create(identifier=model.name ~ '__contract', type='table') -%}
    {%- call statement('contract') -%}
        create temporary table {{ shape }} (
            {%- for name, column in model.columns.items() %}
            {{ column_sql(name) }} {{ column.data_type }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endcall -%}
    {%- set rows = run_query(
        'select table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale'
        ~ ' from information_schema.columns'
        ~ " where table_name = '" ~ shape.identifier ~ "'"
        ~ " or (table_schema = '" ~ existing.schema ~ "' and table_name = '" ~ existing.identifier ~ "')"
        ~ ' order by ordinal_position'
    ).rows -%}
    {%- set columns = {'wanted': [], 'found': []} -%}
    {%- for row in rows -%}
        {%- set of = 'wanted' if row[0] == shape.identifier else 'found' -%}
        {%- do columns[of].append(api.Column(row[1], row[2], row[3], row[4], row[5])) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}

{% macro changed_columns(wanted, found) -%}
    {%- set types = {} -%}
    {%- for column in wanted -%}
        {%- do types.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- set changed = [] -%}
    {%- for column in found -%}
        {%- if column.name not in types -%}
            {%- do changed.append(column.name ~ ' (no longer in it)') -%}
        {%- elif types[column.name] != column.data_type -%}
            {%- do changed.append(column.name ~ ' (' ~ column.data_type ~ ' to ' ~ types[column.name] ~ ')') -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(changed) -}}
{%- endmacro %}
