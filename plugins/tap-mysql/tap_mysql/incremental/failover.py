"""What remains valid when a different server answers."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from tidemark_core.errors import TidemarkError

from tap_mysql.incremental.bookmark import Bookmark
from tap_mysql.source.error_codes import ANOTHER_SERVER, TableChangedError
from tap_mysql.source.session.server_identity import identify
from tap_mysql.values.key_values import to_state

if TYPE_CHECKING:
    from tidemark_core.names import TableName

    from tap_mysql.source.session.connection import Source
    from tap_mysql.source.session.server_identity import Server
    from tap_mysql.values.key_values import KeyValue

logger = logging.getLogger("tap-mysql.failover")


def changed(number: int, text: str, source: Source) -> TableChangedError:
    """Turns an error of a read into the reason why the table is inspected again.

    Args:
        number: MySQL's number.
        text: The driver's words.
        source: The server that was read.
    """
    if number not in ANOTHER_SERVER or source.server is None:
        return TableChangedError(
            f"the table's definition changed during the read: {text}",
            hint="run it again when the migration is finished",
        )
    try:
        with source.session() as session:
            now = str(identify(session))
    except TidemarkError:
        now = "another one"
    if now == str(source.server):
        now = "alternates with another one"
    return TableChangedError(
        f"the server was {source.server}, and now {now} answers",
        hint="set DB_HOST to a single server, not a load balancer or an address of several servers",
    )


def taken_over(
    table: TableName, bookmark: Bookmark, server: Server, greatest: KeyValue | None
) -> Bookmark:
    """Warns that a bookmark is another server's, with what to do; returns what is true of it here.

    Args:
        table: The table.
        bookmark: The other server's.
        server: The one that answers now.
        greatest: Greatest replication key here; None: no row has one.
    """
    kept = carried_over(bookmark, greatest)
    behind = ""
    if greatest is None:
        behind = " It has no rows yet; they will all be read when they arrive."
    elif kept != bookmark and kept.value is not None:
        behind = f" It is behind: the bookmark moves back to {to_state(kept.value)}."
    logger.warning(
        "%s: the bookmark is from server %s, but now %s answers.%s Rows that existed only on the "
        "old server remain in the lake; compare: tidemark verify -t %s --checksum",
        table, bookmark.server, server, behind, table, extra={"table": str(table)},
    )  # fmt: skip
    return kept


def carried_over(bookmark: Bookmark, greatest: KeyValue | None) -> Bookmark:
    """As much of another server's bookmark as is true of this one.

    What this server does not have yet will come with keys below the old bookmark, so the bookmark
    moves back to what is there. Ranges of a first load are kept, since together they hold every
    key there can be; its fingerprint is not.

    Args:
        bookmark: The other server's.
        greatest: Greatest replication key here; None: no row has one.
    """
    if greatest is None:
        return Bookmark()
    if bookmark.value is not None and greatest < bookmark.value:  # type: ignore[operator]
        return Bookmark(greatest)
    load = bookmark.first_load
    if load is None:
        return bookmark
    back = replace(
        load,
        edge=None,
        upper=min(load.upper, greatest),
        cap=_least(load.cap, greatest),
        greatest=_least(load.greatest, greatest),
    )
    return replace(bookmark, first_load=back)


def _least(one: KeyValue | None, other: KeyValue) -> KeyValue | None:
    return None if one is None else min(one, other)
