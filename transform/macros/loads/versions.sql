{#- Newest wins. Two versions of a row are told apart by the replication key, if there is one, then by when the source was
    read, then by the load; a missing value is older than any other. These two macros are the only place that says so. -#}

{% macro version_order(replication_key) -%}
    {{- return(([replication_key] if replication_key else []) + ['_sdc_extracted_at', '_tidemark_load_id']) -}}
{%- endmacro %}

{#- The rank of a version among those of the same row: 1 is the newest, or, `live_first`, the newest that is not
    deleted, if there is one. -#}
{% macro version_rank(keys, replication_key, live_first=false) -%}
    row_number() over (
                partition by {{ columns_sql(keys) | join(', ') }}
                order by
                    {%- if live_first %}
                    case when _sdc_deleted_at is null then 0 else 1 end,
                    {%- endif %}
                    {%- for column in columns_sql(version_order(replication_key)) %}
                    {{ column }} desc nulls last{{ ',' if not loop.last }}
                    {%- endfor %}
            )
{%- endmacro %}

{#- The condition that version `a` is newer than version `b` (two relation aliases). -#}
{% macro is_newer(a, b, replication_key, order=none) -%}
    {%- set ties = [] -%}
    (
        {%- for column in columns_sql(order or version_order(replication_key)) %}
            {%- set left = a ~ '.' ~ column %}
            {%- set right = b ~ '.' ~ column %}
        {{ 'or ' if not loop.first }}(
            ({{ left }} > {{ right }} or ({{ left }} is not null and {{ right }} is null))
            {%- for tie in ties %}
            and {{ tie }}
            {%- endfor %}
        )
            {%- do ties.append(
                '(' ~ left ~ ' = ' ~ right ~ ' or (' ~ left ~ ' is null and ' ~ right ~ ' is null))'
            ) %}
        {%- endfor %}
    )
{%- endmacro %}

{#- The same without the load: whether a row would go back in time, however often it was loaded. -#}
{% macro is_newer_content(a, b, replication_key) -%}
    {{- return(is_newer(a, b, replication_key, version_order(replication_key)[:-1])) -}}
{%- endmacro %}
