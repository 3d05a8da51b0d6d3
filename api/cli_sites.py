"""Commands that go on from a plan: places for stations, linked households, layers of several departments."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_options import (
    CrsOption,
    FieldOption,
    JsonOption,
    LangOption,
    LayerOption,
    MapOption,
    OutOption,
    PathsOption,
    PlanArgument,
    PlanMaxOption,
    PlanMinOption,
    QuietOption,
    SpeedOption,
    StationFieldOption,
    sources_of,
    terminal_of,
)


def site(
    *,
    plan_file: PlanArgument,
    output: OutOption,
    stations: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Points of the stations that stand.")
    ] = None,
    candidates: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Points that could be (else the doors of the units).")
    ] = None,
    new: Annotated[int | None, typer.Option(metavar="K", help="The K places that reach most.")] = None,
    cover: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="The fewest places that reach everyone.")
    ] = None,
    nearest: Annotated[
        bool, typer.Option("--nearest", help="With --new: the K places with the shortest walks.")
    ] = False,
    capacity: Annotated[
        int | None, typer.Option(metavar="N", help="As --nearest, a place serving at most N households.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="With --new: whoever walks longer is not reached (else 15).")
    ] = None,
    paths: PathsOption = None,
    gates: LayerOption = None,
    speed: SpeedOption = 4.0,
    crs: CrsOption = None,
    field: StationFieldOption = None,
    map_file: MapOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say where the next stations should be, what each adds, and who is still not reached."""
    from api.site_command import Asked, find_sites

    given = {"stations": stations, "candidates": candidates, "roads": paths, "gates": gates}
    find_sites(
        terminal_of(lang, quiet=quiet, as_json=as_json), plan_file,
        sources_of(given, field, crs, bare="stations"),
        asked=Asked(new, cover, nearest, capacity, minutes), kmh=speed, output=output, map_file=map_file,
    )  # fmt: skip


def link(
    *,
    plan_file: PlanArgument,
    members: Annotated[
        str, typer.Option(metavar="LAYER", help="Points of Party-member households, with counts; no persons.")
    ],
    output: OutOption,
    least: Annotated[int, typer.Option("--min", help="Fewest households that one links.")] = 10,
    most: Annotated[int, typer.Option("--max", help="Most households that one links.")] = 30,
    ids_are_places: Annotated[
        bool, typer.Option("--ids-are-places", help="Ids that look like names of persons name places.")
    ] = False,
    paths: PathsOption = None,
    gates: LayerOption = None,
    crs: CrsOption = None,
    field: FieldOption = None,
    map_file: MapOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Link the households of each micro-grid to the Party-member households nearest to them."""
    from api.link_command import find_links

    given = {"members": members, "roads": paths, "gates": gates}
    find_links(
        terminal_of(lang, quiet=quiet, as_json=as_json), plan_file, sources_of(given, field, crs),
        bounds=(least, most), are_places=ids_are_places, output=output, map_file=map_file,
    )  # fmt: skip


def overlay(
    *,
    sources: Annotated[
        list[str], typer.Argument(metavar="GRIDS…", help="Layers of grids, one of each department.")
    ],
    output: OutOption,
    units: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Units with households (else those of a plan.gpkg).")
    ] = None,
    communities: LayerOption = None,
    roads: LayerOption = None,
    water: LayerOption = None,
    barriers: LayerOption = None,
    gates: LayerOption = None,
    compounds: LayerOption = None,
    least: PlanMinOption = None,
    most: PlanMaxOption = None,
    border_weight: Annotated[
        float, typer.Option(metavar="W", help="Metres that a metre of a department's border is worth.")
    ] = 3.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same grids.")] = 0,
    crs: CrsOption = None,
    field: FieldOption = None,
    map_file: MapOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Lay the grids of several departments over each other and make one base grid that all can use."""
    from api.overlay_command import make_overlay

    given = {
        "units": units, "communities": communities, "roads": roads, "water": water, "barriers": barriers,
        "gates": gates, "compounds": compounds, "grids": None,
    }  # fmt: skip
    make_overlay(
        terminal_of(lang, quiet=quiet, as_json=as_json), sources, sources_of(given, field, crs),
        bounds=(least, most), border_weight=border_weight, seed=seed, output=output, map_file=map_file,
    )  # fmt: skip
