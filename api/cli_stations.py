"""weige stations: the register of the service in and out of files, one short function a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli_options import (
    CrsOption,
    DataDirOption,
    JsonOption,
    LangOption,
    QuietOption,
    RegisterFieldOption,
    server_installed,
    settings_of,
    terminal_of,
)

stations = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after the register of stations of the service."
)


@stations.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="LAYER", help="CSV, XLSX, GeoJSON or other points.")],
    look: Annotated[bool, typer.Option("--look", help="Only say what it would change.")] = False,
    field: RegisterFieldOption = None,
    crs: CrsOption = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Add stations, or change those of the same id: the whole file or nothing of it."""
    with server_installed():
        from api import station_commands

    station_commands.import_register(
        terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), file,
        look=look, fields=field or [], crs=crs,
    )  # fmt: skip


@stations.command()
def remove(
    station: Annotated[str, typer.Argument(metavar="ID", help="Id of the station in the register.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what would go.")] = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take a station out of the register; what it was stays in the log."""
    with server_installed():
        from api import station_commands

    station_commands.remove_from_register(
        terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), station, is_sure=yes
    )


@stations.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write: .csv, .xlsx or .geojson.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the register as a file that can be imported again."""
    with server_installed():
        from api import station_commands

    station_commands.export_register(
        terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir), file
    )
