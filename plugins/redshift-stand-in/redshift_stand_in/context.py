"""The session, as seen by the commands that the front runs itself."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from redshift_stand_in.errors import ACTIVE_TRANSACTION, BackendError, StatementError
from redshift_stand_in.history import Journal
from redshift_stand_in.postgres.backend import Backend, Row, open_as_superuser
from redshift_stand_in.postgres.long_names import LongNames
from redshift_stand_in.sql import locks
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.rewrite import by_columns, expressions
from redshift_stand_in.wire.protocol import message
from redshift_stand_in.wire.version import Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


T = TypeVar("T")
_SECRET = re.compile(
    r"(?i)\b(credentials|access_key_id|secret_access_key|session_token|password)(\s+(?:as\s+)?)'(?:[^'\\]|''|\\.)*'"
)


def mask(text: str) -> str:
    """A statement with its passwords and keys made unreadable."""
    return _SECRET.sub(r"\1\2'***'", text)


@dataclass(frozen=True)
class S3Settings:
    """How the stand-in reaches S3; the keys play the role that IAM_ROLE names.

    Attributes:
        endpoint_url: of the S3 server; None: AWS's own.
        region: its region.
    """

    endpoint_url: str | None
    region: str = "us-east-1"

    @cached_property
    def client(self) -> S3Client:
        """A client, with keys from the environment; it may be used by many threads."""
        return self._make({})

    def client_for(self, keys: dict[str, str] | None) -> S3Client:
        """A client with keys that a statement gave, or the common one for None."""
        return self._make(keys) if keys else self.client

    def _make(self, keys: dict[str, str]) -> S3Client:
        import boto3  # slow to import, and not needed before the first COPY
        from botocore.config import Config

        config = Config(
            retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path"},
            max_pool_connections=32,
        )
        # Sessions are not to be shared between threads, clients may be.
        session: Any = boto3.session.Session()
        client: S3Client = session.client(
            "s3", endpoint_url=self.endpoint_url, region_name=self.region, config=config, **keys
        )
        return client


@dataclass
class Context:
    """A client's session, as the commands see it.

    Attributes:
        backend: the session with PostgreSQL.
        s3: how to reach S3.
        user: the client's user.
        database: its database.
        names: the cluster's long names.
        journal: what its statements write.
        version: of Redshift's protocol, as its client and the front agreed.
        out: messages for the client, sent before the command's end.
    """

    backend: Backend
    s3: S3Settings
    user: str
    database: str
    names: LongNames
    journal: Journal
    version: Version = Version.BASE
    out: bytearray = field(default_factory=bytearray)
    text: str = ""

    @property
    def masked_text(self) -> str:
        """The running statement, without its secrets."""
        return mask(self.text)

    @property
    def in_transaction(self) -> bool:
        """Whether the client has begun a transaction."""
        return self.backend.status != b"I"

    def query(self, sql: str) -> list[Row]:
        """Runs SQL in the client's session."""
        return self.backend.query(sql)

    def rewritten(self, text: str) -> str:
        """A query, or a statement with one in it, in PostgreSQL's words.

        Args:
            text: in Redshift's, already checked.

        Raises:
            StatementError: a form that PostgreSQL has no words for.
        """
        if by_columns.are_needed(Sql(text)):
            # PIVOT joins names to longer ones, UNPIVOT makes values of them.
            text = self.names.rewritten(Sql(by_columns.rewrite(text, self._columns))).text
        return expressions.rewrite(text)

    def shortened(self, text: str) -> str:
        """A statement with names of PostgreSQL's length."""
        return self.names.shortened(Sql(text)).text

    def _columns(self, query: str) -> list[str] | None:
        """The names of the columns that a query returns; None if PostgreSQL refuses it."""
        return self.attempt(
            lambda: self.backend.columns(expressions.rewrite(self.shortened(query)))
        )

    def attempt(self, ask: Callable[[], T]) -> T | None:
        """Asks PostgreSQL something that it may refuse, without harm to an open transaction.

        Returns:
            The answer; None if it was refused, or the transaction has failed before.
        """
        if self.backend.status == b"E":
            return None
        if in_transaction := self.in_transaction:
            self.query("savepoint rs_attempt")
        try:
            return ask()
        except BackendError:
            if in_transaction:
                self.query("rollback to savepoint rs_attempt")
            return None
        finally:
            if in_transaction:
                self.query("release savepoint rs_attempt")

    def notice(self, text: str, severity: str = "INFO") -> None:
        """Tells the client something."""
        body = f"S{severity}\0C00000\0M{text}\0".encode() + b"\0"
        self.out += message(b"N", body)

    def as_superuser(self, sql: str) -> list[Row]:
        """Runs SQL in a session of its own, committed at once, as PostgreSQL's superuser."""
        backend = open_as_superuser(self.backend.address, self.database)
        try:
            return backend.query(sql)
        finally:
            backend.close()

    def not_in_transaction(self, what: str) -> None:
        """Refuses a command that Redshift does not run in a transaction block.

        Raises:
            StatementError: the client has begun one.
        """
        if self.in_transaction:
            raise StatementError(
                f"{what} cannot run inside a transaction block", ACTIVE_TRANSACTION
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Runs several statements as one, in the client's transaction or in one of their own."""
        if self.in_transaction:
            yield
            return
        self.query("begin")
        try:
            yield
        except BaseException:
            if self.backend.status != b"I":
                self.query("rollback")
            raise
        self.query("commit")

    def lock_for_write(self, table: str) -> None:
        """Locks a table for writing, as every write does in Redshift; waits for other writers.

        A user who may only INSERT may not LOCK in PostgreSQL 15, and writes without the lock.
        """
        self.query("savepoint rs_lock")
        try:
            self.query(locks.lock(table))
        except BackendError as error:
            self.query("rollback to savepoint rs_lock; release savepoint rs_lock")
            if error.code not in ("42501", "42P01", "42809", "3F000"):
                self.fail_transaction()
                raise
        else:
            self.query("release savepoint rs_lock")

    def fail_transaction(self) -> None:
        """Has an open transaction fail, as on any server after an error; its locks are free."""
        if self.backend.status == b"T":
            with contextlib.suppress(BackendError):
                self.query("select 1/0 as a_statement_of_this_transaction_was_refused")


#: Runs a statement in a session and returns its command tag.
Run = Callable[[Context], str]
