-- JSON in strings. Source: "JSON functions" in the Developer Guide.
create or replace function pg_catalog.redshift_is_json(value text) returns boolean language plpgsql immutable strict as $$
begin
    return value::redshift_hidden.json is not null;
exception when others then
    return false;
end $$;
create or replace function pg_catalog.is_valid_json(value text) returns boolean language sql immutable strict as $$
    select case when pg_catalog.redshift_is_json(value) then redshift_hidden.json_typeof(value::redshift_hidden.json) = 'object' else false end $$;
create or replace function pg_catalog.is_valid_json_array(value text) returns boolean language sql immutable strict as $$
    select case when pg_catalog.redshift_is_json(value) then redshift_hidden.json_typeof(value::redshift_hidden.json) = 'array' else false end $$;
create or replace function pg_catalog.json_extract_path_text(value text, variadic path text[]) returns text
language sql immutable strict as $$ select coalesce(redshift_hidden.json_extract_path_text(value::redshift_hidden.json, variadic path), '') $$;
-- A path has five steps at most.
create or replace function pg_catalog.json_extract_path_text(value text, p1 text, null_if_invalid boolean) returns text
language sql immutable strict as $$ select case when not null_if_invalid or pg_catalog.redshift_is_json(value)
    then pg_catalog.json_extract_path_text(value, p1) end $$;
create or replace function pg_catalog.json_extract_path_text(value text, p1 text, p2 text, null_if_invalid boolean) returns text
language sql immutable strict as $$ select case when not null_if_invalid or pg_catalog.redshift_is_json(value)
    then pg_catalog.json_extract_path_text(value, p1, p2) end $$;
create or replace function pg_catalog.json_extract_path_text(value text, p1 text, p2 text, p3 text, null_if_invalid boolean) returns text
language sql immutable strict as $$ select case when not null_if_invalid or pg_catalog.redshift_is_json(value)
    then pg_catalog.json_extract_path_text(value, p1, p2, p3) end $$;
create or replace function pg_catalog.json_extract_path_text(value text, p1 text, p2 text, p3 text, p4 text, null_if_invalid boolean) returns text
language sql immutable strict as $$ select case when not null_if_invalid or pg_catalog.redshift_is_json(value)
    then pg_catalog.json_extract_path_text(value, p1, p2, p3, p4) end $$;
create or replace function pg_catalog.json_extract_path_text(value text, p1 text, p2 text, p3 text, p4 text, p5 text, null_if_invalid boolean) returns text
language sql immutable strict as $$ select case when not null_if_invalid or pg_catalog.redshift_is_json(value)
    then pg_catalog.json_extract_path_text(value, p1, p2, p3, p4, p5) end $$;
create or replace function pg_catalog.json_extract_array_element_text(value text, pos int, null_if_invalid boolean default false) returns text
language sql immutable strict as $$
    select case when not null_if_invalid or pg_catalog.is_valid_json_array(value) then coalesce(
        case when pos >= 0 then redshift_hidden.json_array_element_text(value::redshift_hidden.json, pos) end, '') end $$;
create or replace function pg_catalog.json_array_length(value text, null_if_invalid boolean default false) returns int
language sql immutable strict as $$
    select case when not null_if_invalid or pg_catalog.is_valid_json_array(value)
        then redshift_hidden.json_array_length(value::redshift_hidden.json) end $$;
