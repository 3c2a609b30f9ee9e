"""Settings as a frozen dataclass: each field declares the setting of the same name.

The field's type says the setting's kind, and a ``Literal`` its choices, so that neither is written
twice: ``s3_output: Literal["batch", "records"] = setting("How rows are handed over.", "batch")``.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import Field, field, fields, replace
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from tidemark_core.settings import Kind, Setting, resolve
from tidemark_core.text.documents import Json

T = TypeVar("T")

_DECLARED = "setting"
_KINDS: dict[type, Kind] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    dict: "object",
    list: "array",
}


def setting(
    description: str,
    default: Any = None,
    *,
    required: bool = False,
    secret: bool = False,
    minimum: int | None = None,
) -> Any:
    """Declares a field of a settings class; the arguments are those of `Setting`."""
    return shared(
        Setting("", description, default=default, required=required, secret=secret, minimum=minimum)
    )


def shared(declared: Setting) -> Any:
    """Declares a field by a setting that other classes share; its name is the field's.

    A secret appears in no representation of the settings.
    """
    shown, told = not declared.secret, {_DECLARED: declared}
    if declared.required:
        return field(repr=shown, metadata=told)
    return field(default_factory=lambda: deepcopy(declared.default), repr=shown, metadata=told)


def declared(cls: type) -> tuple[Setting, ...]:
    """The settings that a class declares, in the order of its fields."""
    hints = get_type_hints(cls)
    return tuple(_declared(each, hints[each.name]) for each in fields(cls))


def _declared(each: Field[Any], hint: Any) -> Setting:
    kind, choices = _kind(hint)
    known: Setting = each.metadata[_DECLARED]
    return replace(known, name=each.name, kind=kind, choices=choices)


def _kind(hint: Any) -> tuple[Kind, tuple[str, ...]]:
    """The kind and the choices of ``int``, ``list[str]``, ``Literal["a"] | None`` and so on."""
    if type(None) in get_args(hint):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is Literal:
        return "string", get_args(hint)
    return _KINDS[get_origin(hint) or hint], ()


def read(cls: type[T], config: Json, environ: Mapping[str, str] | None = None) -> T:
    """Gives every setting of a class its value, as `resolve` does.

    Raises:
        ConfigError: A required setting has no value, or a value has the wrong type.
    """
    return cls(**resolve(declared(cls), config, environ))


def values(settings: Any) -> dict[str, Any]:
    """The values of a settings object by name, to hand on to Singer's SDK."""
    return {each.name: getattr(settings, each.name) for each in fields(settings)}
