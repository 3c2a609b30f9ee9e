{#- What `tidemark reconcile` has found deleted (landing.tidemark_deletions), in a table that keeps deleted rows and is not
    read by the log: of those the log's own tombstones tell. A mark says what was true when it was made; a version that
    was read later says that the row is back. -#}
{% macro show_marks(relation, contract) -%}
    {%- set landing = source('landing', model.name) -%}
    {%- set marks = landing.incorporate(path={'identifier': 'tidemark_deletions'}) -%}
    {%- if contract.keeps_deleted and not contract.by_log and is_there(marks) -%}
        {%- call statement('show_marks') -%}
            {{ show_marks_sql(relation, contract, marks) }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{% macro show_marks_sql(relation, contract, marks) -%}
    {%- set versions = state_relation(model.name, 'versions') -%}
    {%- set table = relation.include(database=false, schema=false) -%}
    {%- set version = versions.include(database=false, schema=false) -%}
    {%- set deleted_at = column_sql(contract.deleted_at) -%}
    {%- set key = row_key_sql(table, contract) -%}
    {%- set of_table = "source_table = '" ~ config.get('meta').source | replace("\\", "\\\\") | replace("'", "''") ~ "'" -%}
    {%- set undeleted = same_key_sql(table, version, contract.unique_key) ~ ' and ' ~ version ~ '._sdc_deleted_at is null' -%}
    update {{ relation }}
    set {{ deleted_at }} = null
    from {{ versions }}
    where
        {{ undeleted }}
        and {{ table }}.{{ deleted_at }} is not null
        and {{ key }} not in (select row_key from {{ marks }} where {{ of_table }});
    update {{ relation }}
    set {{ deleted_at }} = marks.found_at
    from {{ versions }}, {{ marks }} as marks
    where
        {{ undeleted }}
        and {{ table }}.{{ deleted_at }} is null
        and marks.{{ of_table }}
        and marks.row_key = {{ key }}
        and marks.found_at >= {{ version }}._sdc_extracted_at;
{%- endmacro %}

{#- The text of a row's key, as the command writes it into a mark. -#}
{% macro row_key_sql(table, contract) -%}
    {%- set texts = [] -%}
    {%- for key in contract.unique_key -%}
        {%- do texts.append(key_text_sql(table ~ '.' ~ column_sql(key), contract.columns[key].data_type | lower)) -%}
    {%- endfor -%}
    {%- if texts | length == 1 -%}
        {{- return(texts[0]) -}}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for text in texts -%}
        {%- do parts.append("replace(replace(" ~ text ~ ", '~', '~0'), '/', '~1')") -%}
    {%- endfor -%}
    {{- return(parts | join(" || '/' || ")) -}}
{%- endmacro %}

{% macro key_text_sql(column, data_type) -%}
    {%- if data_type.startswith('varchar') -%}
        {{- return(column) -}}
    {%- elif data_type.startswith('varbyte') -%}
        {{- return('upper(to_hex(' ~ column ~ '))') -}}
    {%- elif data_type == 'date' -%}
        {{- return('to_char(' ~ column ~ ", 'YYYY-MM-DD')") -}}
    {%- elif data_type.startswith('timestamp') -%}
        {{- return('to_char(' ~ column ~ ", 'YYYY-MM-DD HH24:MI:SS.US')") -}}
    {%- endif -%}
    {{- return('cast(' ~ column ~ ' as varchar(42))') -}}
{%- endmacro %}
