"""Typer as the command line uses it: help without types of flags, in lines of any width."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

Function = TypeVar("Function", bound=Callable[..., Any])


class _Plain:
    """Takes the word ``<bool>`` from the flags, Typer's own ``--help`` included."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params


class _Command(_Plain, TyperCommand):
    """A command."""


class _Group(_Plain, TyperGroup):
    """Commands below a name."""


class App(typer.Typer):
    """An application whose commands are all of this kind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=_Group, **options)

    def command(
        self, name: str | None = None, *, help: str | None = None, **options: Any
    ) -> Callable[[Function], Function]:
        """See `typer.Typer.command`; the lines of a docstring are wrapped to the terminal."""

        def decorate(function: Function) -> Function:
            told = help or _flowing(inspect.getdoc(function) or "")
            return super(App, self).command(name, cls=_Command, help=told, **options)(function)

        return decorate


def _flowing(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
