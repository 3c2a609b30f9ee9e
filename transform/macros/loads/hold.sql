{#- A build holds its table against other builds in the warehouse itself, whoever starts them and from wherever.
    What is locked is <table>__loads: every build reads and writes it, it is there before the table is and outlives a
    change of its shape, dbt's user owns it, and nobody queries it. LOCK must come first in the transaction: whatever
    reads a table takes the snapshot, and that must show what the build before has committed.
    https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html -#}
{% macro hold_table() -%}
    {%- call statement('hold', auto_begin=True) -%}
        set statement_timeout to {{ lock_timeout_seconds() * 1000 }};
        lock {{ state_relation(model.name, 'loads') }};
        set statement_timeout to default
    {%- endcall -%}
{%- endmacro %}

{% macro lock_timeout_seconds() -%}
    {{- return(env_var('REDSHIFT_LOCK_TIMEOUT_SECONDS', '300') | int) -}}
{%- endmacro %}

{#- The relation as it is in this moment, or none. -#}
{% macro relation_now(relation) -%}
    {%- set found = run_query(
        "select table_type from information_schema.tables where table_schema = '" ~ relation.schema
        ~ "' and table_name = '" ~ relation.identifier ~ "'"
    ).rows -%}
    {%- if found -%}
        {{- return(relation.incorporate(type='view' if found[0][0] == 'VIEW' else 'table')) -}}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}

{#- Whether a table or view is there in this moment, also one that this user may not read. -#}
{% macro is_there(relation) -%}
    {{- return(run_query(
        'select count(*) from pg_catalog.pg_class as c'
        ~ ' inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid'
        ~ " where n.nspname = '" ~ relation.schema ~ "' and c.relname = '" ~ relation.identifier ~ "'"
    ).rows[0][0] > 0) -}}
{%- endmacro %}

{#- on-run-end: says of tables that another build holds which session that is. The warehouse's own words for it are
    those for any statement that was cancelled. -#}
{% macro tell_who_holds(results) -%}
    {%- if execute -%}
        {%- for result in results
            if result.status == 'error' and result.node.config.materialized == 'merged_loads'
            and 'cancel' in (result.message or '') -%}
            {%- for holder in holders(state_relation(result.node.name, 'loads')) -%}
                {%- do print(
                    'error: ' ~ result.node.name ~ ' was not built: another build holds it, session ' ~ holder.pid
                    ~ ' of ' ~ holder.txn_owner | trim ~ ', since ' ~ holder.txn_start ~ ' (waited '
                    ~ lock_timeout_seconds() ~ ' s). Next: when it has ended, run the command again'
                ) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro holders(relation) -%}
    {{- return(run_query(
        "select distinct held.pid, held.txn_owner, held.txn_start from svv_transactions as held"
        ~ " inner join pg_class as c on held.relation = c.oid inner join pg_namespace as n on c.relnamespace = n.oid"
        ~ " where n.nspname = '" ~ relation.schema ~ "' and c.relname = '" ~ relation.identifier ~ "'"
        ~ " and held.granted and held.lock_mode = 'AccessExclusiveLock'"
    ).rows) -}}
{%- endmacro %}
