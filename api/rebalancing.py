"""What `weige rebalance` does, between reading layers and telling the result."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from api.city_time import now
from api.console import Terminal
from api.outputs import draw_map, ready, run_times
from api.telling import review_values, summary_lines, warn
from geo.containers import Source, source_of
from geo.errors import InputError
from geo.formats.geopackage import stored_layers
from geo.layers import LayerKind
from geo.partition import Band
from geo.plan_layers import PlanLayers, read_plan_layers, without_own_grids
from geo.replanning import LockList, Replanned, replan
from geo.standing_files import GRIDS, EarlierPlan, read_lock_list
from maps.text import text


@dataclass(frozen=True)
class Bounds:
    """What limits the change: the band (None: that of the earlier plan, else 50 to 100) and the moves."""

    lower: int | None = None
    upper: int | None = None
    max_moved: int | None = None


@dataclass(frozen=True)
class Outputs:
    """Files to write."""

    plan: Path
    ledger: Path | None = None
    map: Path | None = None


def rebalance_grids(
    terminal: Terminal,
    sources: Mapping[LayerKind, str],
    fields: Mapping[tuple[LayerKind, str], str],
    *,
    plan_file: Path | None,
    lock_file: str | None,
    crs: str | None,
    id_column: str | None,
    bounds: Bounds,
    seed: int,
    outputs: Outputs,
) -> None:
    """Mend standing grids, write the plan, the ledger and the map, and tell what changed."""
    inputs = [*sources.values(), *(str(name) for name in (plan_file, lock_file) if name is not None)]
    ready({outputs.plan: (".gpkg",), outputs.ledger: (".xlsx",), outputs.map: (".html", ".htm")}, inputs)
    earlier = None if plan_file is None else EarlierPlan(plan_file)
    given = dict(sources) if earlier is None else {**earlier.sources(), **sources}
    _require(given)
    origin = _plan_of_grids(given["grids"])
    if origin is not None:
        given["grids"] = f"{origin.path}:{GRIDS}"
    band = _band(bounds, earlier or origin)
    started = now()
    with terminal.progress() as report:
        report("reading", 0, 1)
        locked = LockList() if lock_file is None else read_lock_list(lock_file)
        layers = read_plan_layers(given, fields=fields, crs=crs, id_column=id_column)
        if "units" not in sources:
            layers = without_own_grids(layers)
        record = _record(layers, earlier, origin)
        retired: dict[str, tuple[str | None, str | None]] = {}
        for file in (earlier, origin):
            if file is not None:
                retired |= file.retired()
        report("reading", 1, 1)
        warn(terminal, layers.findings)
        made = replan(
            layers,
            ended=started.date().isoformat(),
            standing_units=record,
            band=band,
            max_moved=bounds.max_moved,
            locked=locked,
            retired=retired,
            seed=seed,
            on_progress=report,
        )
        warn(terminal, made.standing.findings)
        _write(terminal, made, outputs, _options(bounds, made) | run_times(started))
        if outputs.map is not None:
            draw_map(terminal, outputs.plan, outputs.map, report)
    _tell(terminal, made, outputs)


def _require(given: Mapping[LayerKind, str]) -> None:
    """Refuse a command that names too little, before anything is read."""
    for kind, code, message, mend in (
        ("units", "layer_missing", "a plan needs units", "give --units"),
        ("grids", "standing_grids_missing", "there are no standing grids", "give --grids or --plan"),
        ("communities", "communities_missing", "there are no communities", "give --communities or --plan"),
    ):
        if kind not in given:
            raise InputError(code, message, mend=mend)


def _plan_of_grids(source: str) -> EarlierPlan | None:
    """Return the plan file that the grids are the `micro_grids` of, None where they come from elsewhere."""
    origin: Source = source_of(source)
    if origin.path.suffix.lower() != ".gpkg" or origin.layer not in (None, GRIDS):
        return None
    return EarlierPlan(origin.path) if GRIDS in stored_layers(origin.path) else None


def _band(bounds: Bounds, earlier: EarlierPlan | None) -> Band:
    usual = (earlier.band() if earlier is not None else None) or Band()
    return Band(
        usual.lower if bounds.lower is None else bounds.lower,
        usual.upper if bounds.upper is None else bounds.upper,
    )


def _record(
    layers: PlanLayers, earlier: EarlierPlan | None, origin: EarlierPlan | None
) -> gpd.GeoDataFrame | None:
    """Return the units as they stood: with their grids where these are the plan's own."""
    if origin is not None:
        return origin.units(layers.working_crs, with_grids=True)
    return None if earlier is None else earlier.units(layers.working_crs, with_grids=False)


def _write(terminal: Terminal, made: Replanned, outputs: Outputs, run: Mapping[str, str]) -> None:
    from maps.ledger_book import write_ledger
    from maps.plan_file import replanned_frames, write_frames

    write_frames(replanned_frames(made, run), outputs.plan)
    if outputs.ledger is not None:
        write_ledger(outputs.ledger, made, language=terminal.language)


def _options(bounds: Bounds, made: Replanned) -> dict[str, str]:
    options = {"max_moved": bounds.max_moved, "moved_households": made.ledger.moved_households}
    return {"options": json.dumps(options)}


def _tell(terminal: Terminal, made: Replanned, outputs: Outputs) -> None:
    language = terminal.language
    review, findings = made.plan.review, made.plan.findings
    causes, changes = made.ledger.households_by_cause(), made.ledger.grids_by_change()
    best = next((point for point in made.curve if point.recommended), None)
    lines = [
        text("cli.plan_written", language, file=outputs.plan, map=outputs.map)
        if outputs.map
        else text("cli.plan_only_written", language, file=outputs.plan)
    ]
    if outputs.ledger is not None:
        lines.append(text("cli.ledger_written", language, file=outputs.ledger))
    lines += [text("cli.moved", language, **causes), text("cli.grids_changed", language, **changes)]
    left = Counter(made.change.left.values())
    if left["limit"] or left["locked"]:
        lines.append(text("cli.left", language, limit=left["limit"], locked=left["locked"]))
    if best is not None:
        key = "cli.recommended_no_file" if outputs.ledger is None else "cli.recommended"
        lines.append(
            text(key, language, moved=best.moved_households, out=best.households_out, file=outputs.ledger)
        )
    lines += summary_lines(review, findings, language, band=made.plan.partition.band, file=outputs.plan)
    balance = made.standing.balance
    terminal.result(
        lines,
        {
            "plan": str(outputs.plan),
            "ledger": outputs.ledger and str(outputs.ledger),
            "map": outputs.map and str(outputs.map),
            **review_values(review, findings),
            "moved_households": {**causes, "in_all": made.ledger.moved_households},
            "grids": changes,
            "reconciliation": dict(zip(balance["item"], balance["households"].tolist(), strict=True)),
            "not_touched": {str(made.plan.grid_ids[part]): why for part, why in made.change.left.items()},
            "curve": [
                {
                    "moved_households": point.moved_households,
                    "grids_to_mend": point.parts_out,
                    "households_to_mend": point.households_out,
                    "border_m": round(point.border_m, 1),
                    "recommended": point.recommended,
                }
                for point in made.curve
            ],
        },
    )
