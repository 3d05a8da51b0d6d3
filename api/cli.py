"""weige: one short function a command."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.settings import Settings, reader_language
from geo.errors import GeoError, InputError
from maps.text import Language, text

if TYPE_CHECKING:
    from api.console import Terminal
    from geo.layers import LayerKind

OUT_OF_RULES, REFUSED, STOPPED = 1, 2, 130


class Tongue(StrEnum):
    """Languages of messages and pages."""

    CHINESE = "zh_CN"
    ENGLISH = "en"


app = typer.Typer(
    name="weige",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

LayerOption = Annotated[str | None, typer.Option(metavar="LAYER", show_default=False)]
LangOption = Annotated[Tongue | None, typer.Option("--lang", help="Language (else the locale).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress, no warnings.")]
MinOption = Annotated[int, typer.Option("--min", help="Fewest households of a grid.")]
MaxOption = Annotated[int, typer.Option("--max", help="Most households of a grid.")]
CrsOption = Annotated[
    str | None, typer.Option("--crs", metavar="EPSG:…", help="CRS of layers that name none.")
]
FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="LAYER.COLUMN=NAME", help="Column of a layer, e.g. units.households=hh."),
]
IdOption = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Column of the units' ids.")]
DataDirOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Folder of the database and files (else WEIGE_DATA_DIR)."),
]
OutOption = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", show_default=False)]


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"weige {version('weige')}\n")
        raise typer.Exit


@app.callback()
def weige(
    *,
    show_version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version."),
    ] = False,
) -> None:
    """Divide communities into micro-grids, check grids, and carry them into a meeting as one HTML file."""


@dataclass(frozen=True)
class _Sources:
    """Layer arguments of a command."""

    layers: Mapping[LayerKind, str]
    fields: Mapping[tuple[LayerKind, str], str]
    crs: str | None
    id_column: str | None


@app.command()
def plan(
    *,
    units: Annotated[str, typer.Option(metavar="LAYER", help="Stairwell units or houses with households.")],
    communities: Annotated[str, typer.Option(metavar="LAYER", help="Polygons of the communities.")],
    output: OutOption,
    roads: LayerOption = None,
    water: LayerOption = None,
    barriers: LayerOption = None,
    gates: LayerOption = None,
    compounds: LayerOption = None,
    min_households: MinOption = 50,
    max_households: MaxOption = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan.")] = 0,
    crs: CrsOption = None,
    field: FieldOption = None,
    id_column: IdOption = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Also write the map.")
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Divide communities into micro-grids and write plan.gpkg."""
    from api import commands

    given = {
        "units": units, "communities": communities, "roads": roads, "water": water,
        "barriers": barriers, "gates": gates, "compounds": compounds,
    }  # fmt: skip
    terminal = _terminal(lang, quiet=quiet, as_json=as_json)
    sources = _sources(given, field, crs, id_column)
    commands.make_plan(
        terminal, sources.layers, sources.fields, crs=crs, id_column=id_column,
        bounds=(min_households, max_households), seed=seed, output=output, map_file=map_file,
    )  # fmt: skip


@app.command()
def check(
    *,
    units: Annotated[str, typer.Option(metavar="LAYER", help="Stairwell units or houses with households.")],
    grids: Annotated[str, typer.Option(metavar="LAYER", help="Grid polygons, or a table unit_id, grid_id.")],
    communities: LayerOption = None,
    roads: LayerOption = None,
    water: LayerOption = None,
    barriers: LayerOption = None,
    gates: LayerOption = None,
    compounds: LayerOption = None,
    min_households: MinOption = 50,
    max_households: MaxOption = 100,
    crs: CrsOption = None,
    field: FieldOption = None,
    id_column: IdOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Findings: .xlsx, .csv or .json.")
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Also write the map.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 when a grid breaks a rule.")] = False,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Judge grids drawn by anyone: too large, too small, broken, overlapping, leaving households out."""
    from api import commands

    given = {
        "units": units, "grids": grids, "communities": communities, "roads": roads, "water": water,
        "barriers": barriers, "gates": gates, "compounds": compounds,
    }  # fmt: skip
    terminal = _terminal(lang, quiet=quiet, as_json=as_json)
    sources = _sources(given, field, crs, id_column)
    broken = commands.check_grids(
        terminal, sources.layers, sources.fields, crs=crs, id_column=id_column,
        bounds=(min_households, max_households), output=output, map_file=map_file,
    )  # fmt: skip
    if strict and broken:
        raise typer.Exit(OUT_OF_RULES)


@app.command()
def rebalance(
    *,
    output: OutOption,
    units: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Units of today (else those of --plan).")
    ] = None,
    grids: Annotated[
        str | None,
        typer.Option(metavar="LAYER", help="Standing grids: polygons, or a table unit_id, grid_id."),
    ] = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN", help="A plan.gpkg: its layers and its grids.")
    ] = None,
    communities: LayerOption = None,
    roads: LayerOption = None,
    water: LayerOption = None,
    barriers: LayerOption = None,
    gates: LayerOption = None,
    compounds: LayerOption = None,
    max_moved: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Most households that may change grids.")
    ] = None,
    lock: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Grids and units that stay as they are.")
    ] = None,
    min_households: Annotated[
        int | None, typer.Option("--min", help="Fewest households of a grid (else the plan's, else 50).")
    ] = None,
    max_households: Annotated[
        int | None, typer.Option("--max", help="Most households of a grid (else the plan's, else 100).")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan.")] = 0,
    crs: CrsOption = None,
    field: FieldOption = None,
    id_column: IdOption = None,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the ledger old to new (.xlsx).")
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Also write the map.")
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Mend standing grids with as few households as possible changing hands, and keep their codes."""
    from api import rebalancing

    given = {
        "units": units, "grids": grids, "communities": communities, "roads": roads, "water": water,
        "barriers": barriers, "gates": gates, "compounds": compounds,
    }  # fmt: skip
    terminal = _terminal(lang, quiet=quiet, as_json=as_json)
    sources = _sources(given, field, crs, id_column)
    rebalancing.rebalance_grids(
        terminal, sources.layers, sources.fields, plan_file=plan_file, lock_file=lock, crs=crs,
        id_column=id_column, seed=seed, outputs=rebalancing.Outputs(output, ledger, map_file),
        bounds=rebalancing.Bounds(min_households, max_households, max_moved),
    )  # fmt: skip


@app.command("map")
def map_(
    *,
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan.gpkg.")],
    output: OutOption,
    incidents: LayerOption = None,
    stations: LayerOption = None,
    context: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="Further layers to show.")
    ] = None,
    crs: CrsOption = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="LAYER.COLUMN=NAME", help="e.g. incidents.kind=category."),
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a plan as one HTML file that opens with no network."""
    from api import commands

    given = {"incidents": incidents, "stations": stations, "context": context[0] if context else None}
    terminal = _terminal(lang, quiet=quiet, as_json=as_json)
    commands.make_map(
        terminal, plan_file, output, incidents=incidents, stations=stations, context=context or [],
        fields=_sources(given, field, crs, None).fields, crs=crs,
    )  # fmt: skip


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER")] = Path("weige-demo"),
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write an invented town's layers, plan, findings and map into a folder."""
    from api import commands

    commands.make_demo(_terminal(lang, quiet=quiet, as_json=as_json), output)


@app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer requests.")] = 2,
    data_dir: DataDirOption = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key (PEM).")] = None,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the proxy before the service.")
    ] = None,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Serve a network without TLS all the same.")
    ] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Do no jobs here: `weige worker` does them.")
    ] = False,
    lang: LangOption = None,
) -> None:
    """Serve plans, pages, tiles and events; without DATABASE_URL with a database of its own."""
    with _server_installed():
        from api import serving

    terminal = _terminal(lang, quiet=False, as_json=False)
    serving.serve_until_stopped(
        terminal, data_dir=data_dir, job_workers=0 if no_worker else 1,
        listening=serving.Listening(host, port, workers, tls_cert, tls_key, public_url, insecure_http),
    )  # fmt: skip


@app.command("worker")
def worker_(*, data_dir: DataDirOption = None) -> None:
    """Do the jobs of the service, one after another, until stopped."""
    with _server_installed():
        from api import worker
        from api.logs import configure_logs

    configure_logs()
    worker.run(_settings(data_dir))


user = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Accounts of the service.")
app.add_typer(user, name="user")
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
    with _server_installed():
        from api import accounts

    accounts.add_user(_terminal(lang, quiet=False, as_json=as_json), _settings(data_dir), name)


@user.command("link")
def user_link(
    name: AccountArgument,
    *,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a new one-time link that sets the password of an account."""
    with _server_installed():
        from api import accounts

    accounts.make_link(_terminal(lang, quiet=False, as_json=as_json), _settings(data_dir), name)


@user.command("disable")
def user_disable(
    name: AccountArgument,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Enable it again.")] = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Disable an account; its sessions, tokens and links end."""
    with _server_installed():
        from api import accounts

    accounts.disable_user(
        _terminal(lang, quiet=False, as_json=as_json), _settings(data_dir), name, enable=undo
    )


@user.command("grant")
def user_grant(
    name: AccountArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, planner, admin, auditor, …")],
    area: Annotated[str, typer.Argument(metavar="AREA", help="Code of a division; all: everything.")] = "all",
    *,
    department: Annotated[str, typer.Option(metavar="NAME", help="Of a handler.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the role away.")] = False,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an account a role in an area."""
    with _server_installed():
        from api import accounts

    accounts.grant_role(
        _terminal(lang, quiet=False, as_json=as_json), _settings(data_dir), name, role, area,
        department=department, remove=remove,
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
    with _server_installed():
        from api import accounts

    accounts.make_token(
        _terminal(lang, quiet=False, as_json=as_json), _settings(data_dir), name, label=label, days=days
    )


@app.command()
def load(
    *,
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="[PLAN]", help="A plan.gpkg.", show_default=False)
    ] = None,
    stations: LayerOption = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put the plan in force.")] = False,
    valid_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day in force (with --publish).")
    ] = None,
    under: Annotated[
        str | None, typer.Option(metavar="CODE", help="Division of communities without a 12-digit code.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the plan (else the file's).")] = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load a plan, or stations, into the store of the service; all of it or nothing."""
    if plan_file is None and stations is None:
        raise InputError("nothing_to_load", "there is nothing to load", mend="name a plan.gpkg or --stations")
    if publish != (valid_from is not None) or (publish and plan_file is None):
        raise InputError(
            "publish_options",
            "a plan is published from a day on",
            mend="give --publish --valid-from YYYY-MM-DD",
        )
    with _server_installed():
        from api import store_commands

    store_commands.load(
        _terminal(lang, quiet=quiet, as_json=as_json), _settings(data_dir),
        plan_file=plan_file, stations=stations, name=name, under=under,
        valid_from=None if valid_from is None else valid_from.date(),
    )  # fmt: skip


database = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look after the store of the service."
)
app.add_typer(database, name="db")


@database.command()
def upgrade(data_dir: DataDirOption = None, lang: LangOption = None, as_json: JsonOption = False) -> None:
    """Bring the tables up to this version."""
    with _server_installed():
        from api import store_commands

    terminal = _terminal(lang, quiet=False, as_json=as_json)
    store_commands.upgrade(terminal, _settings(data_dir))


@database.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write, ending in .weige.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the store and the files of the data folder into one file, while the service runs."""
    with _server_installed():
        from api import store_commands

    terminal = _terminal(lang, quiet=quiet, as_json=as_json)
    store_commands.backup(terminal, _settings(data_dir), file)


@database.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Bring a backup back into an empty store, and compare every table with it."""
    with _server_installed():
        from api import store_commands

    terminal = _terminal(lang, quiet=quiet, as_json=as_json)
    store_commands.restore(terminal, _settings(data_dir), file)


def main() -> None:
    """Run the command line; every fault ends as one line on stderr."""
    language = _spoken(sys.argv)
    line = ""
    try:
        code = app(standalone_mode=False)
    except GeoError as error:
        from api.console import fault_line

        code, line = REFUSED, fault_line(error, language)
    except typer.TyperException as error:
        from api.usage import is_bare, usage_line

        code, line = REFUSED, "" if is_bare(error) else usage_line(error, language)
        if is_bare(error):
            sys.stdout.write(error.format_message() + "\n")
    except MemoryError:
        code, line = REFUSED, text("cli.memory", language)
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    if code == STOPPED:
        line = text("cli.stopped", language)
    if line:
        from api.console import Terminal

        Terminal(language, quiet=False, as_json=False).fault(line)
    sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _server_installed() -> Iterator[None]:
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
            mend="install weige[server]",
            package=error.name or "",
        ) from error


def _terminal(lang: Tongue | None, *, quiet: bool, as_json: bool) -> Terminal:
    from api.console import Terminal

    return Terminal(reader_language() if lang is None else _named(lang.value), quiet=quiet, as_json=as_json)


def _settings(data_dir: Path | None) -> Settings:
    settings = Settings.from_environment()
    return settings if data_dir is None else replace(settings, data_dir=data_dir)


def _spoken(arguments: list[str]) -> Language:
    """Return the language asked for, also where the command line is at fault before it is read."""
    for position, word in enumerate(arguments):
        asked = word.removeprefix("--lang=") if word.startswith("--lang=") else ""
        if word == "--lang" and position + 1 < len(arguments):
            asked = arguments[position + 1]
        if asked in set(Tongue):
            return _named(asked)
    return reader_language()


def _named(language: str) -> Language:
    return "zh_CN" if language == Tongue.CHINESE else "en"


def _sources(
    given: Mapping[str, str | None], field: list[str] | None, crs: str | None, id_column: str | None
) -> _Sources:
    layers = {kind: source for kind, source in given.items() if source is not None}
    return _Sources(layers, _fields(field or [], set(given)), crs, id_column)  # type: ignore[arg-type]


def _fields(options: list[str], kinds: set[str]) -> dict[tuple[str, str], str]:
    """Read `units.households=NAME` options.

    Raises
    ------
    InputError
        An option is not of that form or names no layer of this command.
    """
    fields: dict[tuple[str, str], str] = {}
    for option in options:
        target, found, name = option.partition("=")
        kind, dotted, column = target.partition(".")
        if not (found and dotted and name and column) or kind not in kinds:
            raise InputError(
                "field_option",
                f"--field {option} is not of the form LAYER.COLUMN=NAME",
                mend="write for example --field units.households=hh",
                option=option,
            )
        fields[(kind, column)] = name
    return fields


if __name__ == "__main__":
    main()
