{#- No time is later than now (UTC), give or take `minutes` for clocks that differ. Asked once, not for each row. -#}
{% test not_in_the_future(model, column_name, minutes=10) %}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} > (select dateadd(minute, {{ minutes }}, getdate()))
{% endtest %}
