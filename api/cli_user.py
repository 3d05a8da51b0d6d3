"""weige user: accounts of the service, one short function a command."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_options import DataDirOption, JsonOption, LangOption, server_installed, settings_of, terminal_of

user = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Accounts of the service.")
ForceOption = Annotated[bool, typer.Option("--force", help="Also the last administrator.")]
AccountArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]


@user.command("add")
def user_add(
    name: AccountArgument,
    *,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an account and print the one-time link that sets its password."""
    with server_installed():
        from api import accounts

    accounts.add_user(terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), name)


@user.command("link")
def user_link(
    name: AccountArgument,
    *,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a new one-time link that sets the password of an account."""
    with server_installed():
        from api import accounts

    accounts.make_link(terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), name)


@user.command("disable")
def user_disable(
    name: AccountArgument,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Enable it again.")] = False,
    force: ForceOption = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Disable an account; its sessions, tokens and links end."""
    with server_installed():
        from api import accounts

    accounts.disable_user(
        terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), name, enable=undo, force=force
    )


@user.command("grant")
def user_grant(
    name: AccountArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, planner, admin, auditor, …")],
    area: Annotated[str, typer.Argument(metavar="AREA", help="Code of a division; all: everything.")] = "all",
    *,
    department: Annotated[str, typer.Option(metavar="NAME", help="Of a handler.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the role away.")] = False,
    force: ForceOption = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an account a role in an area."""
    with server_installed():
        from api import accounts

    accounts.grant_role(
        terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), name, role, area,
        department=department, remove=remove, force=force,
    )  # fmt: skip


@user.command("token")
def user_token(
    name: AccountArgument,
    *,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    days: Annotated[int, typer.Option(min=1, max=365, metavar="N", help="How long it holds.")] = 90,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for a machine that acts as an account; it is printed this once."""
    with server_installed():
        from api import accounts

    accounts.make_token(
        terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), name, label=label, days=days
    )
