{#- Every value that is there matches the POSIX `pattern`. -#}
{% test matches(model, column_name, pattern) %}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} !~ '{{ pattern }}'
{% endtest %}
