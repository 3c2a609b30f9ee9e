"""A schema of our own on the server, and the session that works in it."""

from __future__ import annotations

from redshift_stand_in import corpus
from redshift_stand_in.calibrate.asking.outcome import Outcome
from redshift_stand_in.calibrate.asking.place import Place
from redshift_stand_in.calibrate.asking.session import (
    DRIVER,
    LostConnection,
    Session,
    Target,
)
from redshift_stand_in.calibrate.errors import CalibrationError


class Workspace:
    """A schema of our own.

    Args:
        target: The server.
        place: The schema's name, and the others.

    Raises:
        CalibrationError: The server does not let us in.
    """

    def __init__(self, target: Target, place: Place) -> None:
        self._target, self._place = target, place
        self._session = self._open()

    def ask(self, statement: str) -> Outcome:
        """Runs a statement of the corpus here.

        Raises:
            LostConnection: The server has ended the session.
        """
        outcome = self._session.ask(self._place.placed(statement))
        if outcome.code == DRIVER:
            self.renew()
        return outcome

    def renew(self) -> None:
        """Goes on in another session: what the last one was set to is forgotten."""
        self._session.close()
        self._session = self._open()

    def make(self, statements: tuple[str, ...]) -> list[tuple[str, Outcome]]:
        """Makes the schema anew, and by statements what belongs into it.

        Returns:
            What was refused, and how.

        Raises:
            CalibrationError: There is no schema.
            LostConnection: The server has ended the session.
        """
        self.ask(f"drop schema if exists {corpus.SCHEMA} cascade")
        refused = self.ask(f"create schema {corpus.SCHEMA}")
        if refused.is_error:
            grant = f'GRANT CREATE ON DATABASE "{self._target.database}" TO "{self._target.user}"'
            raise CalibrationError(f"no schema can be made: {refused.text}. Next, in SQL: {grant}")
        made = [(text, self.ask(text)) for text in statements]
        return [(text, outcome) for text, outcome in made if outcome.is_error]

    def remove(self) -> None:
        """Ends the session, and removes the schema by another: this one may be at work.

        Raises:
            CalibrationError: The schema is still there.
        """
        self._session.close()
        drop = f"drop schema if exists {self._place.schema} cascade"
        try:
            session = Session(self._target)
            refused = session.ask(drop).text
            session.close()
        except (CalibrationError, LostConnection) as error:
            refused = str(error)
        if refused:
            raise CalibrationError(
                f"the schema {self._place.schema} was not removed: {refused}. Next, in SQL: {drop}"
            )

    def _open(self) -> Session:
        session = Session(self._target)
        session.ask(self._place.placed(f"set search_path to {corpus.SCHEMA}"))
        return session
