"""weige cases: import, export and verify cases, one short function a command."""

from __future__ import annotations

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

cases = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after the cases of the service.")


@cases.command("verify-log")
def verify_log(
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Verify the log of every case and the digests over all, and compare each case with its replay."""
    with server_installed():
        from api.cases import commands

    if not commands.verify_log(terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir)):
        raise typer.Exit(1)
