"""JSON as it comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

#: An object of JSON that somebody else may have written: a Singer message, a schema, a state, dbt's
#: artifacts. What is in it is unknown until it has been looked at.
Json: TypeAlias = Mapping[str, Any]
