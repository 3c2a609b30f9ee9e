"""Alerts of a follower: one when a part fails, one when it works again."""

from __future__ import annotations

from tidemark.config.job_settings import JobSettings
from tidemark.config.project import Project
from tidemark.job.run import Job, tell
from tidemark.runner.failure_cause import Cause
from tidemark.services.follow.work import Failure, Part, Work


class Alerts:
    """Alerts people through the configured channels.

    A failure is remembered on disk, so that a follower that is started again does not report it
    again, and reports when it is over.

    Args:
        project: Where we are.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._settings = project.read(JobSettings)

    def tell(self, tried: set[Part], work: Work, run_id: str, log: str) -> list[str]:
        """Reports how the parts that were tried have ended.

        Args:
            tried: The parts.
            work: Knows which of them have failed.
            run_id: Of the round.
            log: Path of its log.

        Returns:
            What could not be sent.
        """
        problems = []
        for part in sorted(tried, key=_name):
            failure = work.failures.get(part)
            job = Job(
                _name(part), (), self._project.root, None, run_id, self._project.environ,
                self._settings,
            )  # fmt: skip
            problems += tell(job, None if failure is None else _cause(part, failure), log)
        return problems


def _name(part: Part) -> str:
    step, table = part
    return f"follow, {step}" if table is None else f"follow, {step} of {table}"


def _cause(part: Part, failure: Failure) -> Cause:
    step, table = part
    return Cause(
        failure.message, part=step, table=None if table is None else str(table), next=failure.next
    )
