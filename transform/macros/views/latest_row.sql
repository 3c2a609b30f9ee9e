{#- The latest-row rule, in its only place: of the rows of one `partition_by`, 1 is the one that was changed last
    (or made last, where it was never changed); a tie goes to the one made last, then to the greatest id. -#}
{% macro latest_row_rank(partition_by) -%}
    row_number() over (
            partition by {{ partition_by }}
            order by
                coalesce(update_at, create_at) desc nulls last,
                create_at desc nulls last,
                id desc
        )
{%- endmacro %}
