"""The catalogue: types, functions and system views of Redshift, put into a PostgreSQL database.

The SQL files of this package make them, in the order of their names, in one transaction.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from redshift_stand_in.postgres.backend import Backend, PostgresAddress, open_as_superuser
from redshift_stand_in.postgres.cluster import SUPERUSER
from redshift_stand_in.sql.lexer import literal, quote

_LOCK = 5439

#: Run before a newer catalogue: drops what nothing depends on, the newest first, so that its shape
#: may change.
_DROP_OLD = """
do $$
declare
    old record;
begin
    for old in
        select c.oid, 'view ' || c.oid::regclass as what from pg_class c
        where c.relnamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            and c.relkind = 'v' and c.oid >= 16384
        union all
        select p.oid, 'routine ' || p.oid::regprocedure from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace and p.oid >= 16384
        order by 1 desc
    loop
        begin
            execute 'drop ' || old.what;
        exception when dependent_objects_still_exist then
            null;
        end;
    end loop;
end $$
"""


def install(
    socket_directory: Path | str, port: int, database: str, *, superuser: str = SUPERUSER
) -> None:
    """Puts the catalogue into a database; does nothing when this version of it is there.

    It runs in one transaction: after a crash in the middle it can be run again.

    Args:
        socket_directory: the folder of PostgreSQL's Unix socket.
        port: the number in the socket's name.
        database: its name; it must exist.
        superuser: a role that needs no password on that socket.

    Raises:
        OSError: PostgreSQL does not listen there.
        BackendError: PostgreSQL refused a statement.
    """
    address = PostgresAddress(Path(socket_directory), port, superuser)
    backend = open_as_superuser(address, database)
    try:
        _install(backend, database)
    finally:
        backend.close()


def sources() -> list[tuple[str, str]]:
    """Names and texts of the catalogue's SQL files, in the order in which they run."""
    files = resources.files(__name__).iterdir()
    return sorted((f.name, f.read_text("utf-8")) for f in files if f.name.endswith(".sql"))


def allowed() -> list[tuple[str, str]]:
    """What stays visible of PostgreSQL, as (kind, name); the kind is the name of its file."""
    files = resources.files(__name__).joinpath("allowed").iterdir()
    return sorted(
        (file.name.removesuffix(".txt"), name)
        for file in files
        for line in file.read_text("utf-8").splitlines()
        if not line.startswith("# ")
        for name in line.split()
    )


def version() -> str:
    """A fingerprint of the catalogue."""
    digest = hashlib.sha256()
    for name, text in [*sources(), *allowed()]:
        digest.update(f"{name} {text}\n".encode())
    return digest.hexdigest()[:16]


def _install(backend: Backend, database: str) -> None:
    backend.query(
        "set allow_system_table_mods = on; set client_min_messages = error; "
        "set search_path = pg_catalog, redshift_hidden"
    )
    backend.query(f"begin; select pg_advisory_xact_lock({_LOCK})")
    if _installed(backend) != version():
        backend.query(_DROP_OLD)
        backend.query(_allowed())
        for _, text in sources():
            backend.query(text)
        backend.query(
            "create table if not exists redshift_meta.version (version text); "
            f"delete from redshift_meta.version; insert into redshift_meta.version values "
            f"({literal(version())})"
        )
        # The superuser, who bypasses the front, sees all of PostgreSQL.
        backend.query('alter role current_user set search_path = "$user", public, redshift_hidden')
        isolation = "" if _has_isolation(backend, database) else _snapshot(database)
        backend.query(f"grant create, usage on schema public to public; {isolation}")
    backend.query("commit")


def _allowed() -> str:
    """SQL for a temporary table of what stays visible; the catalogue's SQL hides the rest."""
    rows = ", ".join(f"({literal(kind)}, {literal(name)})" for kind, name in allowed())
    return (
        "create temporary table allowed (kind text, name text) on commit drop; "
        f"insert into pg_temp.allowed values {rows}"
    )


def _installed(backend: Backend) -> str | None:
    if not backend.query("select 1 where to_regclass('redshift_meta.version') is not null"):
        return None
    rows = backend.query("select version from redshift_meta.version")
    return rows[0][0] if rows else None


def _has_isolation(backend: Backend, database: str) -> bool:
    return bool(
        backend.query(
            "select 1 from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase "
            f"where d.datname = {literal(database)} and s.setconfig::text ~ "
            f"'default_transaction_isolation'"
        )
    )


def _snapshot(database: str) -> str:
    """SNAPSHOT is the default of a new Redshift database."""
    return f"alter database {quote(database)} set default_transaction_isolation = 'repeatable read'"
