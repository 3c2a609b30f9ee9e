{#- dbt writes every description again in every run, one statement a column: here only those that have changed are
    written. Late-binding views take no comments on columns.
    https://docs.aws.amazon.com/redshift/latest/dg/r_COMMENT.html -#}
{% macro redshift__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set written = written_comments(relation) -%}
    {%- if for_relation and config.persist_relation_docs() and model.description
        and model.description != written.get('') -%}
        {%- do run_query(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() and relation.type == 'table' -%}
        {%- set comments = [] -%}
        {%- for name, column in model.columns.items()
            if column.description and column.description != written.get(name | lower) -%}
            {%- do comments.append(
                'comment on column ' ~ relation ~ '.' ~ column_sql(name, model.columns) ~ ' is '
                ~ postgres_escape_comment(column.description)
            ) -%}
        {%- endfor -%}
        {%- if comments -%}
            {%- do run_query(comments | join(';\n')) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The comments that a relation has, by column; the relation's own under ''. -#}
{% macro written_comments(relation) -%}
    {%- set rows = run_query(
        "select coalesce(a.attname, '') as column_name, d.description"
        ~ ' from pg_catalog.pg_description d'
        ~ ' join pg_catalog.pg_class c on d.objoid = c.oid'
        ~ ' join pg_catalog.pg_namespace n on c.relnamespace = n.oid'
        ~ ' left join pg_catalog.pg_attribute a'
        ~ ' on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0'
        ~ " where n.nspname = '" ~ relation.schema ~ "' and c.relname = '" ~ relation.identifier ~ "'"
    ).rows -%}
    {%- set written = {} -%}
    {%- for row in rows -%}
        {%- do written.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {{- return(written) -}}
{%- endmacro %}
