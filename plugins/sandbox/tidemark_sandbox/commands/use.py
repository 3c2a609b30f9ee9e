"""env, sql, forward."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from tidemark_sandbox.access.clients import Database, run_client, target, usual_port
from tidemark_sandbox.access.tunnel import open_tunnel
from tidemark_sandbox.commands.common import Dir, Port, console
from tidemark_sandbox.dotenv import EnvFormat, render
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.world import Sandbox


def env(
    dir: Dir = None,
    port: Port = None,
    format: Annotated[
        EnvFormat, typer.Option("--format", help="A .env file, shell exports, or JSON.")
    ] = EnvFormat.DOTENV,
) -> None:
    """Print the variables that point the project to this sandbox."""
    typer.echo(render(Sandbox(dir, port).env(), format))


def sql(
    database: Annotated[Database, typer.Argument(help="Which database.")],
    execute: Annotated[
        str | None, typer.Option("--execute", "-e", help="One statement instead of a prompt.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            "-u",
            help="mysql: root, reader; redshift: admin, loader, transformer, analyst.",
        ),
    ] = None,
    dir: Dir = None,
    port: Port = None,
) -> None:
    """Open a client (mariadb or psql) through the bastion."""
    raise typer.Exit(run_client(Sandbox(dir, port).config, database, user, execute))


def forward(
    database: Annotated[Database, typer.Argument(help="Which database.")],
    local: Annotated[
        int | None,
        typer.Option("--port", help="Local port; default: base+6 or base+39.", show_default=False),
    ] = None,
    dir: Dir = None,
) -> None:
    """Keep a tunnel open for your own tools, until Ctrl-C."""
    sandbox = Sandbox(dir)
    variables = sandbox.env()
    account = {
        Database.MYSQL: ("DB_USER", "DB_PASSWORD", "DB_DATABASE"),
        Database.REDSHIFT: ("REDSHIFT_USER", "REDSHIFT_PASSWORD", "REDSHIFT_DATABASE"),
    }[database]
    user, password, name = (variables[variable] for variable in account)
    wanted = local or usual_port(sandbox.config, database)
    with (
        contextlib.suppress(KeyboardInterrupt),
        open_tunnel(sandbox.config, target(sandbox.config, database), wanted) as tunnel,
    ):
        # Whole lines, never wrapped: they are for copying.
        console.print(f"{database} is at {HOST}:{tunnel.port}", soft_wrap=True)
        console.print(f"database {name}, user {user}, password {password}", soft_wrap=True)
        if database is Database.REDSHIFT:
            console.print(f"TLS: verify with {sandbox.config.ca}", soft_wrap=True)
        console.print("Ctrl-C closes the tunnel.")
        tunnel.wait()
        raise SandboxError("The bastion closed the tunnel", hint="tidemark-sandbox status")


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    for command in (env, sql, forward):
        app.command()(command)
