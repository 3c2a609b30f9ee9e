"""YAML documents as values."""

from __future__ import annotations

from typing import Any

import yaml

#: libyaml's, where PyYAML was built with it, as its wheels are: a seventh of the CPU.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """What a text stands for; None if it is empty.

    Raises:
        yaml.YAMLError: It is not YAML.
    """
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, both of them
