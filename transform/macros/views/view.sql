{#- dbt's own view materialization makes a second view, swaps the names and drops the first one with CASCADE: for a
    moment there is none, and views that others have bound to it are gone. This one replaces the view in place,
    which keeps its grants too. --full-refresh drops it first (in the same transaction, without CASCADE), which a
    change of columns needs: Redshift replaces a view only by one with the same columns.
    https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html -#}
{% materialization view, adapter='redshift' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and (should_full_refresh() or not existing.is_view) -%}
        {%- call statement('drop_existing', auto_begin=True) -%}
            drop {{ existing.type }} {{ existing }}
        {%- endcall -%}
    {%- endif -%}
    {% call statement('main', auto_begin=True) -%}
        {{ get_replace_view_sql(target_relation, sql) }}
    {%- endcall %}

    {%- do apply_grants(
        target_relation, config.get('grants'), should_revoke=should_revoke(existing, should_full_refresh())
    ) -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
