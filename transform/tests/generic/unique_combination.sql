{#- No two rows have the same values in `columns` together. -#}
{% test unique_combination(model, columns) %}
    select
        {{ quoted_list(columns) }},
        count(*) as row_count
    from {{ model }}
    group by {{ quoted_list(columns) }}
    having count(*) > 1
{% endtest %}
