"""weige: one short function a command."""

from __future__ import annotations

import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from api.city_time import now as city_now
from api.cli_cases import cases
from api.cli_comments import comments
from api.cli_db import database
from api.cli_options import (
    CrsOption,
    DataDirOption,
    FieldOption,
    IdOption,
    JsonOption,
    LangOption,
    LayerOption,
    MapOption,
    MaxOption,
    MinOption,
    OutOption,
    PathsOption,
    PlanArgument,
    PlanMaxOption,
    PlanMinOption,
    QuietOption,
    RegisterFieldOption,
    SpeedOption,
    StationFieldOption,
    Tongue,
    Work,
    named_effort,
    named_group,
    named_language,
    server_installed,
    settings_of,
    sources_of,
    terminal_of,
)
from api.cli_privacy import privacy
from api.cli_sites import link, overlay, site
from api.cli_stations import stations
from api.cli_user import user
from api.settings import reader_language
from geo.errors import GeoError, InputError
from maps.text import Language, text

OUT_OF_RULES, REFUSED, STOPPED = 1, 2, 130


app = typer.Typer(
    name="weige",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name, group in (
    ("user", user), ("cases", cases), ("stations", stations), ("comments", comments), ("privacy", privacy),
    ("db", database),
):  # fmt: skip
    group.callback()(named_group)
    app.add_typer(group, name=name)
for command in (site, link, overlay):
    app.command()(command)


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
    lang: LangOption = None,
) -> None:
    """Divide communities into micro-grids, check grids, and carry them into a meeting as one HTML file."""


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
    floors: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Floor bands of towers: unit_id, from, to, households."),
    ] = None,
    max_households: MaxOption = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan.")] = 0,
    effort: Annotated[
        Work | None,
        typer.Option(
            help="How long to search for short borders (else thorough to 2,000 units, then standard)."
        ),
    ] = None,
    time_s: Annotated[
        float | None,
        typer.Option("--time", metavar="SECONDS", help="Search so long, instead of by --effort."),
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="A second weight of the units (people living alone, cases) to even out."
        ),
    ] = None,
    alternatives: Annotated[
        int | None,
        typer.Option(metavar="N", help="Up to N plans that truly differ: plan.gpkg, plan-2.gpkg, ..."),
    ] = None,
    crs: CrsOption = None,
    field: FieldOption = None,
    id_column: IdOption = None,
    map_file: MapOption = None,
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
    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    sources = sources_of(given, field, crs, id_column)
    commands.make_plan(
        terminal, sources.layers, sources.fields, floors_file=floors, crs=crs, id_column=id_column,
        bounds=(min_households, max_households), seed=seed, effort=named_effort(effort), time_s=time_s,
        work=work, alternatives=alternatives, output=output, map_file=map_file,
    )  # fmt: skip


@app.command()
def check(
    *,
    plan_file: Annotated[
        Path | None,
        typer.Argument(metavar="[PLAN]", help="A plan.gpkg: its layers and its grids.", show_default=False),
    ] = None,
    units: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Stairwell units or houses with households.")
    ] = None,
    grids: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Grid polygons, or a table unit_id, grid_id.")
    ] = None,
    communities: LayerOption = None,
    roads: LayerOption = None,
    water: LayerOption = None,
    barriers: LayerOption = None,
    gates: LayerOption = None,
    compounds: LayerOption = None,
    tomorrow: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Expected: date, unit_id or lon and lat, households, note."),
    ] = None,
    min_households: PlanMinOption = None,
    max_households: PlanMaxOption = None,
    crs: CrsOption = None,
    field: FieldOption = None,
    id_column: IdOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Findings: .xlsx, .csv or .json.")
    ] = None,
    map_file: MapOption = None,
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
    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    sources = sources_of(given, field, crs, id_column)
    broken = commands.check_grids(
        terminal, sources.layers, sources.fields, crs=crs, id_column=id_column,
        bounds=(min_households, max_households), output=output, map_file=map_file, plan_file=plan_file,
        tomorrow=tomorrow,
    )  # fmt: skip
    if strict and broken:
        raise typer.Exit(OUT_OF_RULES)


@app.command()
def counties(
    *,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Folders county=CODE with units.parquet, communities.parquet and others."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", show_default=False)],
    jobs: Annotated[int, typer.Option(min=0, max=256, help="Processes; 0: one for each core.")] = 0,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:8786", help="A Dask scheduler whose workers do it."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep plans that are there already.")] = False,
    min_households: MinOption = 50,
    max_households: MaxOption = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plans.")] = 0,
    crs: CrsOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Plan the counties of a province, each a job; exit 1 where something was refused."""
    from api.counties_command import plan_counties

    is_whole = plan_counties(
        terminal_of(lang, quiet=quiet, as_json=as_json), folder, output,
        bounds=(min_households, max_households), seed=seed, crs=crs, jobs=jobs, scheduler=scheduler,
        goes_on=resume,
    )  # fmt: skip
    return 0 if is_whole else 1


@app.command()
def reach(
    *,
    plan_file: PlanArgument,
    stations: Annotated[str, typer.Option(metavar="LAYER", help="Points of the stations.")],
    output: OutOption,
    paths: PathsOption = None,
    gates: LayerOption = None,
    minutes: Annotated[
        list[str] | None, typer.Option(metavar="N", help="A limit, or several: 5,15 (else 5 and 15).")
    ] = None,
    speed: SpeedOption = 4.0,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help='Only stations open then: 23:00 (today), "2026-10-01 23:00".'),
    ] = None,
    crs: CrsOption = None,
    field: StationFieldOption = None,
    map_file: MapOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say who reaches a station on foot within some minutes, by micro-grid, and write it as layers."""
    from api.cases.calendar import working_calendar
    from api.reach_command import find_reach, limits

    given = {"stations": stations, "roads": paths, "gates": gates}
    find_reach(
        terminal_of(lang, quiet=quiet, as_json=as_json), plan_file,
        sources_of(given, field, crs, bare="stations"),
        minutes=limits(minutes or ["5,15"]), kmh=speed, output=output, at=at, map_file=map_file,
        calendar=None if at is None else working_calendar(settings_of(None).data_dir),
    )  # fmt: skip


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
    min_households: PlanMinOption = None,
    max_households: PlanMaxOption = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan.")] = 0,
    crs: CrsOption = None,
    field: FieldOption = None,
    id_column: IdOption = None,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the ledger old to new (.xlsx).")
    ] = None,
    map_file: MapOption = None,
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
    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    sources = sources_of(given, field, crs, id_column)
    rebalancing.rebalance_grids(
        terminal, sources.layers, sources.fields, plan_file=plan_file, lock_file=lock, crs=crs,
        id_column=id_column, seed=seed, outputs=rebalancing.Outputs(output, ledger, map_file),
        bounds=rebalancing.Bounds(min_households, max_households, max_moved),
    )  # fmt: skip


@app.command("map")
def map_(
    *,
    plan_file: PlanArgument,
    output: OutOption,
    incidents: LayerOption = None,
    stations: LayerOption = None,
    context: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="Further layers to show.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="PLAN", help="An older plan.gpkg, shown beside by a divider.")
    ] = None,
    period: Annotated[
        str | None, typer.Option(metavar="FIRST/LAST", help="Days of the cases: 2026-11-01/2026-11-30.")
    ] = None,
    watermark: Annotated[str | None, typer.Option(metavar="TEXT", help="Words over the whole map.")] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Show also what people wrote in cases.")
    ] = False,
    crs: CrsOption = None,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="[LAYER.]COLUMN=NAME", help="e.g. incidents.kind=category."),
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a plan as one HTML file for a meeting, which opens with no network."""
    from api import commands

    given = {"incidents": incidents, "stations": stations, "context": context[0] if context else None}
    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    commands.make_map(
        terminal, plan_file, output, incidents=incidents, stations=stations, context=context or [],
        fields=sources_of(given, field, crs, bare="stations").fields, crs=crs, compare=compare, period=period,
        watermark=watermark, with_texts=with_texts,
    )  # fmt: skip


@app.command()
def atlas(
    *,
    plan_file: PlanArgument,
    output: OutOption,
    font: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Font with Chinese (else the first one known).")
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a plan as pages: overview, communities, a card for each grid (.pdf), or the overview (.png)."""
    from api.atlas_command import make_atlas

    make_atlas(terminal_of(lang, quiet=quiet, as_json=as_json), plan_file, output, font=font)


@app.command()
def workbook(
    *,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A plan.gpkg, a .csv of cases, or the word cases.")
    ],
    output: OutOption,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a plan, or cases (of a .csv, or `cases` for those of the service), as an Excel workbook."""
    from api.workbook_command import make_workbook

    make_workbook(terminal_of(lang, quiet=quiet, as_json=as_json), source, output, data_dir=data_dir)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER")] = Path("weige-demo"),
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write an invented town's layers, plan, findings and map into a folder."""
    from api import commands

    commands.make_demo(terminal_of(lang, quiet=quiet, as_json=as_json), output)


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
    with server_installed():
        from api import serving

    terminal = terminal_of(lang, quiet=False, as_json=False)
    serving.serve_until_stopped(
        terminal, settings_of(data_dir), job_workers=0 if no_worker else 1,
        listening=serving.Listening(host, port, workers, tls_cert, tls_key, public_url, insecure_http),
    )  # fmt: skip


@app.command("worker")
def worker_(
    *,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
) -> None:
    """Do the jobs of the service, one after another, until stopped."""
    with server_installed():
        from api import worker
        from api.logs import configure_logs

    configure_logs()
    worker.run(settings_of(data_dir))


@app.command()
def load(
    *,
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="[PLAN]", help="A plan.gpkg.", show_default=False)
    ] = None,
    stations: LayerOption = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put the plan in force.")] = False,
    valid_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day in force (else today)."),
    ] = None,
    under: Annotated[
        str | None, typer.Option(metavar="CODE", help="Division of communities without a 12-digit code.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the plan (else the file's).")] = None,
    crs: CrsOption = None,
    field: RegisterFieldOption = None,
    data_dir: DataDirOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load a plan, or stations, into the store of the service; all of it or nothing."""
    if plan_file is None and stations is None:
        raise InputError("nothing_to_load", "there is nothing to load", mend="name a plan.gpkg or --stations")
    if (valid_from is not None and not publish) or (publish and plan_file is None):
        raise InputError(
            "publish_options",
            "only a plan is published, and from a day on",
            mend="name a plan.gpkg, and give --publish or --publish --valid-from YYYY-MM-DD",
        )
    day = (valid_from or city_now()).date() if publish else None
    with server_installed():
        from api import store_commands
        from api.station_commands import register_fields

    store_commands.load(
        terminal_of(lang, quiet=quiet, as_json=as_json), settings_of(data_dir),
        plan_file=plan_file, stations=stations, name=name, under=under,
        valid_from=day, fields=register_fields(field or []), crs=crs,
    )  # fmt: skip


def main() -> None:
    """Run the command line; every fault ends as one line on stderr."""
    language = _spoken(sys.argv)
    line = ""
    try:
        code = app(standalone_mode=False)
    except GeoError as error:
        from api.fault_lines import fault_line

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


def _spoken(arguments: list[str]) -> Language:
    """Return the language asked for, also where the command line is at fault before it is read."""
    spoken = reader_language()
    for position, word in enumerate(arguments):
        asked = word.removeprefix("--lang=") if word.startswith("--lang=") else ""
        if word == "--lang" and position + 1 < len(arguments):
            asked = arguments[position + 1]
        if asked in set(Tongue):
            spoken = named_language(asked)
    return spoken


if __name__ == "__main__":
    main()
