"""JSON as it comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

#: A JSON object that another program may have written: a Singer message, a schema, a state, dbt's
#: artifacts. Its contents are unknown until they have been checked.
Json: TypeAlias = Mapping[str, Any]
