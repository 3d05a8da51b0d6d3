"""weige privacy: what is held about a contact, one short function a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli_options import DataDirOption, JsonOption, LangOption, server_installed, settings_of, terminal_of

privacy = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="What is held about a contact: shown, corrected or erased. The number is read from standard input.",
)  # fmt: skip

CaseOption = Annotated[
    str | None, typer.Option("--case", metavar="NUMBER", help="A case, in place of a telephone number.")
]


@privacy.command("new-key")
def new_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write; not in the data folder.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a new key for contacts; WEIGE_CONTACT_KEY_FILE names it to the service."""
    with server_installed():
        from api import privacy as work

    work.new_key(terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), file)


@privacy.command()
def show(
    case: CaseOption = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show for which cases a telephone number is held, and until when."""
    with server_installed():
        from api import privacy as work

    work.show(terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), case)


@privacy.command()
def correct(
    case: CaseOption = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put another telephone number in place of one: the first line is the old number, the second the new."""
    with server_installed():
        from api import privacy as work

    work.correct(terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), case)


@privacy.command()
def erase(
    case: CaseOption = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a telephone number wherever it is held; the cases stay, without it."""
    with server_installed():
        from api import privacy as work

    work.erase(terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), case)
