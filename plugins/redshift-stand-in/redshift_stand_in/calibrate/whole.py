"""A whole recording, from the login to the removal of what was made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from redshift_stand_in.calibrate.asking.place import Place
from redshift_stand_in.calibrate.asking.run import Run, Say, Watch
from redshift_stand_in.calibrate.asking.session import LostConnection, Session, Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.asking.workspace import Workspace
from redshift_stand_in.calibrate.comparing.recording import Recording, Server
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.corpus import Part
from redshift_stand_in.wire.version import Version


@dataclass(frozen=True)
class Plan:
    """What will be asked where.

    Attributes:
        target: The server.
        parts: What it is asked.
        name: Of the schema, and of the folder under the prefix.
        storage: Where COPY finds its data; None: there is none.
        serverless: Whether the server is a workgroup of Redshift Serverless.
    """

    target: Target
    parts: Sequence[Part]
    name: str
    storage: Storage | None
    serverless: bool = False

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return sum(len(part.cases) for part in self.parts)

    @property
    def place(self) -> Place:
        """The names that the cases meet there."""
        storage, target = self.storage, self.target
        where = (storage.url, storage.role) if storage else (None, None)
        return Place(self.name, target.database, target.user, *where)


def plan(
    target: Target, parts: Sequence[Part], storage: Storage | None, *, serverless: bool = False
) -> Plan:
    """Gives what will be made a name that nobody else has."""
    name = f"calibrate_{secrets.token_hex(4)}"
    own = storage and replace(storage, prefix=f"{storage.prefix}/{name}".strip("/"))
    return Plan(target, parts, name, own, serverless)


def identify(plan: Plan) -> Server:
    """Asks a server who it is, in the newest protocol that it speaks.

    Raises:
        CalibrationError: It does not let us in, or does not say.
    """
    session = Session(plan.target, Version.BINARY)
    try:
        rows = session.ask("select version()").rows
        version = (rows[0][0] if rows else None) or ""
        return Server.parse(version, serverless=plan.serverless, protocol=session.protocol)
    except LostConnection as error:
        raise CalibrationError(f"{plan.target.host} ended the session: {error}") from error
    finally:
        session.close()


def record(
    plan: Plan, recording: Recording, watch: Watch, say: Say, cleaning: Callable[[], object]
) -> None:
    """Runs all parts, and removes what was made, however that ends.

    Args:
        plan: What to ask.
        recording: Gets a part's answers when they are complete.
        watch: Is told of each case before it is run; what it raises ends the run.
        say: Is told what else happens.
        cleaning: Is called before the removal, which signals must not end.

    Raises:
        CalibrationError: The server or S3 does not let us, or something was not removed.
    """
    workspace = Workspace(plan.target, plan.place)
    try:
        try:
            run = Run(workspace, plan.place, plan.storage, say)
            for part in plan.parts:
                recording.parts[part.name] = run.answers(part, watch)
        except LostConnection as error:
            raise CalibrationError(f"{plan.target.host} ended the session: {error}") from error
        finally:
            cleaning()
    finally:
        _remove(plan, workspace, say)


def _remove(plan: Plan, workspace: Workspace, say: Say) -> None:
    """Removes both, the second even if the first cannot be."""
    try:
        workspace.remove()
        say(f"removed the schema {plan.name}")
    finally:
        if plan.storage:
            plan.storage.clear()
            say(f"removed {plan.storage.url}/")
