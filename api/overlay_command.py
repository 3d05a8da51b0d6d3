"""What `weige overlay` does, between reading layers and telling the result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from api.city_time import now
from api.console import Terminal
from api.outputs import draw_map, ready, run_times
from api.plan_sources import plan_sources
from api.sources import Sources
from api.telling import review_values, summary_lines, warn
from geo.base_grids import Department, Overlaid, overlaid
from geo.containers import source_of
from geo.errors import InputError
from geo.formats.geopackage import stored_layers
from geo.layers import LayerKind, read_layer
from geo.names import shortened
from geo.partition import Band
from geo.plan_layers import PlanLayers, read_plan_layers, without_own_grids
from geo.standing_files import GRIDS, EarlierPlan
from maps.plan_file import plan_frames, write_frames
from maps.text import text

# Conflicts that the terminal lists; all stand in the file.
_SHOWN = 10
# What a metre of border may be worth.
_HEAVIEST = 1_000.0


def make_overlay(
    terminal: Terminal,
    sources: Sequence[str],
    given: Sources,
    *,
    bounds: tuple[int | None, int | None],
    border_weight: float,
    seed: int,
    output: Path,
    map_file: Path | None,
) -> None:
    """Lay grids of departments over each other, write base grids, conflicts and the table old to new."""
    ready({output: (".gpkg",), map_file: (".html", ".htm")}, [*sources, *given.layers.values()])
    if len(sources) < 2:
        raise InputError(
            "overlay_alone", "one layer of grids has no other to be laid over", mend="name two or more"
        )
    if not 0 <= border_weight <= _HEAVIEST:
        raise InputError(
            "border_weight", f"--border-weight {border_weight:g} is not between 0 and {_HEAVIEST:g}",
            mend="for example 3", value=f"{border_weight:g}", most=f"{_HEAVIEST:g}",
        )  # fmt: skip
    plans = [_plan_of(source) for source in sources]
    own, usual = _plan_layers(plans, given.layers)
    lower, upper = bounds
    band = Band(usual.lower if lower is None else lower, usual.upper if upper is None else upper)
    started = now()
    with terminal.progress() as report:
        report("reading", 0, 1)
        fields = {key: name for key, name in given.fields.items() if key[0] != "grids"}
        read = without_own_grids(read_plan_layers(own, fields=fields, crs=given.crs))
        departments = _departments(terminal, sources, plans, given, read)
        report("reading", 1, 1)
        warn(terminal, read.findings)
        made = overlaid(
            read, departments, band=band, border_weight=border_weight, seed=seed, on_progress=report
        )
        report("writing", 0, 1)
        options = json.dumps(
            {"departments": list(made.grid_ids), "border_weight": border_weight}, ensure_ascii=False
        )
        write_frames(overlay_frames(made, {**run_times(started), "options": options}), output)
        report("writing", 1, 1)
        if map_file is not None:
            from maps.result_map import overlay_map

            draw_map(terminal, output, map_file, report, result=overlay_map(made))
    _tell(terminal, made, output, map_file)


def overlay_frames(made: Overlaid, run: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Return the plan of base grids with conflicts, the table old to new and the departments."""
    frames = {
        **plan_frames(made.plan, run),
        "old_to_new": made.old_to_new,
        "departments": made.departments,
    }
    if len(made.conflicts):
        frames["conflicts"] = made.conflicts
    return frames


def _plan_of(source: str) -> EarlierPlan | None:
    """Return the plan file that a source is, None where it is another layer."""
    origin = source_of(source)
    if origin.path.suffix.lower() != ".gpkg" or origin.layer not in (None, GRIDS):
        return None
    return EarlierPlan(origin.path) if GRIDS in stored_layers(origin.path) else None


def _plan_layers(
    plans: Sequence[EarlierPlan | None], sources: Mapping[LayerKind, str]
) -> tuple[dict[LayerKind, str], Band]:
    """Return the layers to divide, those of the first plan unless others are given, and its band."""
    given: dict[LayerKind, str] = {}
    band = None
    first = next((plan for plan in plans if plan is not None and "units" in plan.layers), None)
    if first is not None:
        given = plan_sources(first.path)[1]
        band = first.band()
    given |= sources
    for kind, option in (("units", "--units"), ("communities", "--communities")):
        if kind not in given:
            raise InputError(
                "nothing_to_overlay", f"there are no {kind}",
                mend=f"name a plan.gpkg among the grids, or give {option}", option=option,
            )  # fmt: skip
    return given, band or Band()


def _departments(
    terminal: Terminal,
    sources: Sequence[str],
    plans: Sequence[EarlierPlan | None],
    given: Sources,
    read: PlanLayers,
) -> list[Department]:
    fields = {column: name for (kind, column), name in given.fields.items() if kind == "grids"}
    departments: list[Department] = []
    for source, plan in zip(sources, plans, strict=True):
        origin = source_of(source)
        name = origin.path.stem if origin.layer in (None, GRIDS) else f"{origin.path.stem}:{origin.layer}"
        if name in {each.name for each in departments}:
            raise InputError(
                "overlay_same_name", f"two layers are named {shortened(name)}",
                mend="rename one of the files", name=shortened(name),
            )  # fmt: skip
        layer = read_layer(
            source if plan is None else f"{plan.path}:{GRIDS}", "grids",
            fields=fields if plan is None else {}, crs=given.crs,
        )  # fmt: skip
        warn(terminal, layer.findings)
        frame = layer.frame if layer.crs is None else layer.frame.to_crs(read.working_crs)
        departments.append(Department(name, frame, origin.name))
    return departments


def _tell(terminal: Terminal, made: Overlaid, output: Path, map_file: Path | None) -> None:
    language, plan = terminal.language, made.plan
    lines = [
        text("cli.plan_written", language, file=output, map=map_file)
        if map_file
        else text("cli.plan_only_written", language, file=output)
    ]
    for row in made.departments.itertuples():
        lines.append(
            text(
                "cli.overlay.department", language, name=row.department, grids=row.grids,
                households=row.households, none=row.households_in_none, followed=row.followed,
                inside=row.base_grids, of=plan.partition.n_parts,
            )
        )  # fmt: skip
    conflicts = made.conflicts
    lines.append(
        text("cli.overlay.conflicts" if len(conflicts) else "cli.overlay.agree", language, n=len(conflicts))
    )
    for row in conflicts.head(_SHOWN).itertuples():
        lines.append(
            text(
                "cli.overlay.conflict", language, a=row.department_a, grid_a=row.grid_a, b=row.department_b,
                grid_b=row.grid_b, households=row.households, moved=row.moved,
            )
        )  # fmt: skip
    if len(conflicts) > _SHOWN:
        lines.append(text("cli.overlay.more", language, n=len(conflicts) - _SHOWN))
    lines += summary_lines(plan.review, plan.findings, language, band=plan.partition.band, file=output)
    terminal.result(
        lines,
        {
            "plan": str(output), "map": map_file and str(map_file), "conflicts": len(conflicts),
            "departments": json.loads(made.departments.to_json(orient="records")),
            **review_values(plan.review, plan.findings),
        },
    )  # fmt: skip
