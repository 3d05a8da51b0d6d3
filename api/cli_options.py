"""What the commands have in common: options, the terminal they speak to, settings, packages they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.settings import Settings, reader_language
from api.sources import Sources
from geo.columns import columns_of_points
from geo.errors import InputError
from maps.text import Language

if TYPE_CHECKING:
    from api.console import Terminal
    from geo.partition import EffortName


class Tongue(StrEnum):
    """Languages of messages and pages."""

    CHINESE = "zh_CN"
    ENGLISH = "en"


class Work(StrEnum):
    """How much a plan is searched (`geo.partition.effort`)."""

    FAST = "fast"
    STANDARD = "standard"
    THOROUGH = "thorough"


# A column that --field names, of the first of these layers that a command takes.
_FIELD_EXAMPLES = {
    "units": "units.households=hh",
    "stations": "stations.name=title",
    "members": "members.member_id=code",
    "incidents": "incidents.kind=category",
}

LayerOption = Annotated[str | None, typer.Option(metavar="LAYER", show_default=False)]


def _told_before(context: typer.Context, tongue: Tongue | None) -> Tongue | None:
    """Return the language of a command, else the one that was named nearest before it."""
    above = context.parent
    while tongue is None and above is not None:
        tongue, above = above.params.get("lang"), above.parent
    return tongue


LangOption = Annotated[
    Tongue | None, typer.Option("--lang", callback=_told_before, help="Language (else the locale).")
]


def named_group(*, lang: LangOption = None) -> None:
    """Take the options that a group of commands has: `weige stations --lang en import`."""


JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress, no warnings.")]
MapOption = Annotated[Path | None, typer.Option("--map", metavar="FILE", help="Also write the map.")]
MinOption = Annotated[int, typer.Option("--min", help="Fewest households of a grid.")]
MaxOption = Annotated[int, typer.Option("--max", help="Most households of a grid.")]
CrsOption = Annotated[
    str | None, typer.Option("--crs", metavar="EPSG:…", help="CRS of layers that name none.")
]
FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="LAYER.COLUMN=NAME", help="Column of a layer, e.g. units.households=hh."),
]
StationFieldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--field", metavar="[LAYER.]COLUMN=NAME",
        help="Column of a layer, e.g. roads.road_class=kind; without a layer, of the stations.",
    ),
]  # fmt: skip
RegisterFieldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--field", metavar="[stations.]COLUMN=NAME", help="Column of the stations, e.g. station_id=编号."
    ),
]
IdOption = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Column of the units' ids.")]
DataDirOption = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help="Folder of the database and files (else WEIGE_DATA_DIR)."),
]
OutOption = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", show_default=False)]
PlanArgument = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan.gpkg.")]
PathsOption = Annotated[
    str | None, typer.Option(metavar="LAYER", help="Streets and paths, instead of the plan's roads.")
]
SpeedOption = Annotated[float, typer.Option(metavar="KM/H", help="Walking speed.")]
# Bounds of commands that go on from a plan, which has its own.
PlanMinOption = Annotated[
    int | None, typer.Option("--min", help="Fewest households of a grid (else the plan's, else 50).")
]
PlanMaxOption = Annotated[
    int | None, typer.Option("--max", help="Most households of a grid (else the plan's, else 100).")
]


@contextmanager
def server_installed() -> Iterator[None]:
    """Say what to install where the packages of the service are missing.

    Raises
    ------
    InputError
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            "server_missing",
            f"the package {error.name} is missing",
            mend='install weige[server] (in a clone: .venv/bin/pip install -e ".[server]")',
            package=error.name or "",
        ) from error


def terminal_of(lang: Tongue | None, *, quiet: bool, as_json: bool) -> Terminal:
    """Return where a command speaks, in the language asked for or the locale's."""
    from api.console import Terminal

    return Terminal(
        reader_language() if lang is None else named_language(lang.value), quiet=quiet, as_json=as_json
    )


def settings_of(data_dir: str | None) -> Settings:
    """Return the settings of the environment, with the folder asked for.

    Raises
    ------
    InputError
        The folder has no name: an unset variable of a script must not mean the folder one stands in.
    """
    settings = Settings.from_environment()
    if data_dir is None:
        return settings
    if not data_dir.strip():
        raise InputError("data_dir_empty", "--data-dir names no folder", mend="name one, or leave it out")
    return replace(settings, data_dir=Path(data_dir))


def named_effort(work: Work | None) -> EffortName | None:
    """Return one of the presets of a search by its name; None for none."""
    if work is None:
        return None
    if work == Work.STANDARD:
        return "standard"
    return "fast" if work == Work.FAST else "thorough"


def named_language(language: str) -> Language:
    """Return one of the languages by its name."""
    return "zh_CN" if language == Tongue.CHINESE else "en"


def fields_of(options: list[str], kinds: set[str], *, bare: str | None = None) -> dict[tuple[str, str], str]:
    """Read `units.households=NAME` options; without a layer, a column is one of the layer `bare`.

    Raises
    ------
    InputError
        An option is not of that form or names no layer of this command.
    """
    fields: dict[tuple[str, str], str] = {}
    for option in options:
        target, found, name = option.partition("=")
        if bare is not None and "." not in target and target in columns_of_points(bare):
            target = f"{bare}.{target}"
        kind, dotted, column = target.partition(".")
        if not (found and dotted and name and column) or kind not in kinds:
            example = next(said for known, said in _FIELD_EXAMPLES.items() if known in kinds)
            raise InputError(
                "field_option",
                f"--field {option} is not of the form LAYER.COLUMN=NAME",
                mend=f"write for example --field {example}",
                option=option,
                example=example,
            )
        fields[(kind, column)] = name
    return fields


def sources_of(
    given: Mapping[str, str | None],
    field: list[str] | None,
    crs: str | None,
    id_column: str | None = None,
    *,
    bare: str | None = None,
) -> Sources:
    """Return the layers that were given among those a command takes, with the columns named for them.

    A column of the layer `bare` may be named without it.

    Raises
    ------
    InputError
        As `fields_of`.
    """
    layers = {kind: source for kind, source in given.items() if source is not None}
    return Sources(layers, fields_of(field or [], set(given), bare=bare), crs, id_column)  # type: ignore[arg-type]
