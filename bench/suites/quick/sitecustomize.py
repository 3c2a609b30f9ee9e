"""Stacks without sources, for suites that run dbt within pytest.

dbt and the driver look through all frames for who calls them, for each flag and each login. Python
looks for the source of every frame among all modules, which takes longer with each test that has
loaded some: half through dbt-redshift's, hardly any test came to its end.
"""

import inspect
import sys
from types import FrameType


def stack(context: int = 1) -> list[inspect.FrameInfo]:  # noqa: ARG001 - as Python's own
    """The frames, the caller's first; their lines are left out."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        found.append(_told(frame))
        frame = frame.f_back  # type: ignore[assignment]
    return found


def _told(frame: FrameType) -> inspect.FrameInfo:
    code = frame.f_code
    return inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None)


inspect.stack = stack
