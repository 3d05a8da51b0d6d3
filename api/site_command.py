"""What `weige site` does, between reading layers and telling the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from api.console import Terminal
from api.outputs import draw_map, ready
from api.plan_sources import (
    cells_of,
    fields_of_plan,
    plan_sources,
    points_beside,
    required_count,
    required_range,
)
from api.telling import warn
from geo.errors import InputError
from geo.layers import LayerKind
from geo.names import listed
from geo.plan_layers import read_plan_layers, without_own_grids
from geo.sited import Aim, Question, Sited, sited
from maps.plan_file import write_frames
from maps.text import text

# Chosen places that the terminal lists; all stand in the file.
_SHOWN = 12


@dataclass(frozen=True)
class Asked:
    """Options that say what is asked."""

    new: int | None
    cover: float | None
    is_nearest: bool
    capacity: int | None
    minutes: float


def question_of(asked: Asked) -> Question:
    """Return the question; refuse options that do not go together, and numbers out of range.

    Raises
    ------
    InputError
    """
    if (asked.new is None) == (asked.cover is None):
        raise InputError(
            "site_question", "the question is not clear", mend="give either --new K or --cover MINUTES"
        )
    nearest = asked.is_nearest or asked.capacity is not None
    if nearest and asked.cover is not None:
        raise InputError(
            "site_question", "--nearest and --capacity do not go with --cover",
            mend="give either --new K or --cover MINUTES",
        )  # fmt: skip
    required_count(asked.new, "--new")
    required_count(asked.capacity, "--capacity")
    minutes = asked.minutes if asked.cover is None else asked.cover
    required_range(minutes, "--minutes" if asked.cover is None else "--cover", example="15")
    aim: Aim = "cover" if asked.cover is not None else "nearest" if nearest else "reach"
    return Question(aim, asked.new or 0, minutes, asked.capacity)


def find_sites(
    terminal: Terminal,
    plan_file: Path,
    *,
    asked: Asked,
    stations: str | None,
    candidates: str | None,
    overriding: Mapping[LayerKind, str],
    fields: Mapping[tuple[LayerKind, str], str],
    crs: str | None,
    kmh: float,
    output: Path,
    map_file: Path | None = None,
) -> None:
    """Choose places for further stations, write them with whom they serve, and tell them."""
    given = [source for source in (stations, candidates) if source is not None]
    ready({output: (".gpkg",), map_file: (".html", ".htm")}, [str(plan_file), *given, *overriding.values()])
    question = question_of(asked)
    required_range(kmh, "--speed", example="4")
    with terminal.progress() as report:
        report("reading", 0, 1)
        earlier, sources = plan_sources(plan_file)
        layers = without_own_grids(
            read_plan_layers({**sources, **overriding}, fields=fields_of_plan(fields), crs=crs)
        )
        beside = {
            kind: points_beside(source, kind, fields=fields, crs=crs)
            for kind, source in _beside(stations, candidates).items()
        }
        warn(terminal, [*layers.findings, *(each for layer in beside.values() for each in layer.findings)])
        report("reading", 1, 1)
        report("siting", 0, 1)
        frames = {kind: layer.frame for kind, layer in beside.items()}
        found = sited(
            layers, question, stations=frames.get("stations"), candidates=frames.get("candidates"),
            metres_per_minute=kmh * 1000 / 60,
        )  # fmt: skip
        report("siting", 1, 1)
        write_frames(site_frames(found), output)
        if map_file is not None:
            from maps.walk_map import site_map

            walk = site_map(found, cells_of(earlier, layers))
            draw_map(terminal, plan_file, map_file, report, walk=walk)
    _tell(terminal, found, output, map_file)


def _beside(stations: str | None, candidates: str | None) -> dict[LayerKind, str]:
    given: dict[LayerKind, str | None] = {"stations": stations, "candidates": candidates}
    return {kind: source for kind, source in given.items() if source is not None}


def site_frames(found: Sited) -> dict[str, pd.DataFrame]:
    """Return the layers and tables of the answer by name, in the communities' CRS."""
    crs = found.layers.layer_crs
    answer, question = found.answer, found.question
    run = pd.DataFrame(
        {
            "aim": [question.aim],
            "k": [question.k],
            "minutes": [question.minutes],
            "capacity": pd.array([question.capacity], dtype="Int64"),
            "value": [answer.value],
            "bound": [answer.bound],
            "gap": [round(answer.gap, 6)],
            "proved": [int(answer.proved)],
            "straight": [int(found.is_straight)],
        }
    )
    return {
        "sites": found.sites().to_crs(crs),
        "units": found.units().to_crs(crs),
        "households": found.served(),
        "unreached": found.unreached().to_crs(crs),
        "gains": found.gains(),
        "run": run,
    }


def _tell(terminal: Terminal, found: Sited, output: Path, map_file: Path | None) -> None:
    language, question, answer = terminal.language, found.question, found.answer
    gains = found.gains().iloc[: len(found.order) + 1]
    before, after = gains.iloc[0], gains.iloc[-1]
    lines = [
        text(
            "cli.site.straight" if found.is_straight else "cli.site.walked", language,
            standing=int(found.nearby.is_standing.sum()), candidates=len(found.nearby.candidates),
            households=found.all_households,
        )
    ]  # fmt: skip
    if found.side_m:
        lines.append(text("cli.site.thinned", language, side=f"{found.side_m:g}"))
    lines.append(
        text(
            f"cli.site.{question.aim}", language, n=len(found.order), minutes=f"{question.minutes:g}",
            value=round(answer.value), capacity=question.capacity or 0,
        )
    )  # fmt: skip
    lines.append(
        text("cli.site.proved", language)
        if answer.proved
        else text("cli.site.gap", language, gap=max(answer.gap, 1e-4), bound=round(answer.bound))
    )
    for row in gains.iloc[1:].head(_SHOWN).itertuples():
        lines.append(
            text(
                "cli.site.gain",
                language,
                n=row.n,
                place=row.place_id,
                gained=row.gained,
                share=row.share,
                mean=row.mean_minutes,
            )
        )
    if len(gains) - 1 > _SHOWN:
        lines.append(text("cli.site.more", language, n=len(gains) - 1 - _SHOWN))
    lines.append(
        text(
            "cli.site.reached", language, minutes=f"{question.minutes:g}", before=before["share"],
            after=after["share"], mean_before=before["mean_minutes"], mean_after=after["mean_minutes"],
        )
    )  # fmt: skip
    left = found.unreached().groupby("reason")["households"].sum()
    if len(left):
        told = ", ".join(
            text(f"cli.site.why.{reason}", language, households=int(count)) for reason, count in left.items()
        )
        lines.append(text("cli.site.unreached", language, households=int(left.sum()), why=told))
    apart = found.places["place_id"].to_numpy(dtype=object)[found.places_lost]
    if len(apart):
        lines.append(text("cli.site.places_apart", language, places=listed(map(str, apart)), n=len(apart)))
    lines.append(text("cli.site.written", language, file=output))
    if map_file is not None:
        lines.append(text("cli.map_written", language, file=map_file))
    terminal.result(
        lines,
        {
            "sites": str(output), "map": map_file and str(map_file), "aim": question.aim,
            "straight": found.is_straight, "places": [str(each) for each in gains["place_id"][1:]],
            "value": answer.value, "bound": answer.bound, "gap": round(answer.gap, 6),
            "proved": answer.proved,
            "households": found.all_households, "reached_before": int(before["reached"]),
            "reached": int(after["reached"]), "unreached": {str(k): int(v) for k, v in left.items()},
            "gains": [int(each) for each in gains["gained"][1:]],
        },
    )  # fmt: skip
