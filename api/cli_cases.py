"""weige cases: import, export and verify cases, one short function a command."""

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


@cases.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Work orders, CSV or XLSX.")],
    channel: Annotated[str, typer.Option(help="Where they come from, e.g. 12345.")] = "12345",
    area: Annotated[
        str, typer.Option(metavar="CODE", help="Division at which orders without a place stand.")
    ] = "all",
    category: Annotated[
        str | None, typer.Option(metavar="CODE", help="Class of orders whose own is not known.")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME=CODE", help="What the file calls a class; may be repeated."),
    ] = None,
    number_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that identifies the orders.")
    ] = None,
    open_only: Annotated[
        bool, typer.Option("--open-only", help="Leave out what the file says is over.")
    ] = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """File the work orders of another system; those that were brought before are left as they are."""
    with server_installed():
        from api.cases import commands

    commands.import_file(
        terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), file,
        channel=channel, area=area, category=category, classes=classes or (), number_column=number_column,
        open_only=open_only,
    )  # fmt: skip


@cases.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV to write.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write all cases as CSV, today's too; texts are as they were filed, without what is personal."""
    with server_installed():
        from api.cases import commands

    commands.export_file(terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), file)


@cases.command()
def categories(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Sheet of nine columns, CSV or XLSX.")],
    edition: Annotated[str, typer.Option(metavar="NAME", help="Name of the new edition.")],
    source: Annotated[
        str, typer.Option(metavar="TEXT", help="Who issued it, and when; unconfirmed where nobody knows.")
    ] = "unconfirmed",
    in_force: Annotated[
        bool, typer.Option("--in-force", help="Store it, and file new cases by it from now on.")
    ] = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show what a sheet of classes would change; open cases keep the edition that they were filed by."""
    with server_installed():
        from api.cases import commands

    commands.bring_categories(
        terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), file,
        name=edition, source=source, in_force=in_force,
    )  # fmt: skip


@cases.command()
def intake(
    area: Annotated[str, typer.Argument(metavar="AREA", help="Code of a division; all: everything.")] = "all",
    *,
    anonymous: Annotated[
        bool | None, typer.Option(help="Take reports of people without an account there.")
    ] = None,
    reporters: Annotated[bool | None, typer.Option(help="Take those of the area's reporters.")] = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who may report in an area, or show what is said; what stands nearest above a place decides."""
    with server_installed():
        from api.cases import commands

    commands.set_intake(
        terminal_of(lang, quiet=False, as_json=as_json), settings_of(data_dir), area,
        anonymous=anonymous, reporters=reporters,
    )  # fmt: skip


@cases.command()
def calendar(
    year: Annotated[
        str | None,
        typer.Argument(
            metavar="[YEAR|FILE]", help="A year to draft, or its file to add; without, all are told."
        ),
    ] = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Add a year to the working calendar: draft CN-YEAR.toml, fill it in after the notice, add the file."""
    with server_installed():
        from api.cases import commands

    commands.look_after_calendar(terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), year)
