"""weige db: the store of the service, one short function a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli_options import (
    DataDirOption,
    JsonOption,
    LangOption,
    QuietOption,
    server_installed,
    settings_of,
    terminal_of,
)

database = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after the store of the service."
)


@database.command()
def upgrade(data_dir: DataDirOption = None, lang: LangOption = None, as_json: JsonOption = False) -> None:
    """Bring the tables up to this version."""
    with server_installed():
        from api import store_commands

    terminal = terminal_of(lang, quiet=False, as_json=as_json)
    store_commands.upgrade(terminal, settings_of(data_dir))


@database.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write, ending in .weige.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the store and the files of the data folder into one file, while the service runs."""
    with server_installed():
        from api import store_commands

    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    store_commands.backup(terminal, settings_of(data_dir), file)


@database.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Bring a backup back into an empty store, and compare every table with it."""
    with server_installed():
        from api import store_commands

    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    store_commands.restore(terminal, settings_of(data_dir), file)
