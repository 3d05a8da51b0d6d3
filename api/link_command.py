"""What `weige link` does, between reading layers and telling the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.console import Terminal
from api.outputs import draw_map, ready
from api.plan_sources import cells_of, plan_sources, points_beside, walked_layers
from api.sources import Sources
from api.telling import SHOWN_FINDINGS, warn
from geo.containers import read_raw, source_of
from geo.errors import InputError
from geo.member_links import PlanLinks, plan_links
from geo.personal import require_numbered
from geo.plan_layers import PlanLayers, own_grid_ids, without_own_grids
from geo.standing_files import EarlierPlan
from geo.units import texts
from maps.findings import sentence
from maps.plan_file import findings_layer, write_frames
from maps.text import text


def find_links(
    terminal: Terminal,
    plan_file: Path,
    given: Sources,
    *,
    bounds: tuple[int, int],
    are_places: bool = False,
    output: Path,
    map_file: Path | None,
) -> None:
    """Link the households of a plan to the `members` given beside it, write the links, and tell them.

    Ids that look like names of persons are refused unless they `are_places`.
    """
    ready({output: (".gpkg",), map_file: (".html", ".htm")}, [str(plan_file), *given.layers.values()])
    with terminal.progress() as report:
        report("reading", 0, 1)
        earlier, sources = plan_sources(plan_file)
        for name in ("cells", "adjacency"):
            if name not in earlier.layers:
                raise InputError(
                    "plan_layer_missing", f"the layer {name} is missing",
                    mend="give a file written by `weige plan`", file=plan_file.name, name=name,
                )  # fmt: skip
        layers = walked_layers(sources, given)
        beside = points_beside(given, "members", layers.units)
        if not are_places:
            require_numbered(
                beside.frame["member_id"].to_numpy(), file=beside.name, layer="members",
                field=beside.headed("member_id"),
            )  # fmt: skip
        warn(terminal, [*without_own_grids(layers).findings, *beside.findings])
        report("reading", 1, 1)
        report("linking", 0, 1)
        found = plan_links(
            layers, own_grid_ids(layers), cells_of(earlier, layers), _pairs(earlier, layers), beside.frame,
            lower=bounds[0], upper=bounds[1],
        )  # fmt: skip
        report("linking", 1, 1)
        write_frames(link_frames(found), output)
        if map_file is not None:
            from maps.result_map import link_map

            draw_map(terminal, plan_file, map_file, report, result=link_map(found))
    _tell(terminal, found, output, map_file)


def _pairs(earlier: EarlierPlan, layers: PlanLayers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the units that one can walk between, by row."""
    table, _ = read_raw(source_of(f"{earlier.path}:adjacency"))
    columns = dict(zip(table.names, table.values, strict=True))
    for name in ("unit_a", "unit_b", "joins"):
        if name not in columns:
            raise InputError(
                "plan_column_missing", f"the column {name} is missing",
                mend="give a file written by `weige plan`", file=earlier.path.name, layer="adjacency",
                name=name,
            )  # fmt: skip
    row = pd.Series(np.arange(len(layers.units)), index=layers.units["unit_id"])
    ends = [
        row.reindex(texts(columns[name])).fillna(-1).to_numpy(dtype=np.int64) for name in ("unit_a", "unit_b")
    ]
    known = (ends[0] >= 0) & (ends[1] >= 0) & (np.asarray(columns["joins"], np.int64) != 0)
    return ends[0][known], ends[1][known]


def link_frames(found: PlanLinks) -> dict[str, pd.DataFrame]:
    """Return the layers and tables of links by name, in the communities' CRS."""
    crs = found.layers.layer_crs
    return {
        "members": found.members.to_crs(crs),
        "links": found.links.to_crs(crs),
        "micro_grids": found.micro_grids,
        "findings": findings_layer(found.findings, found.layers.working_crs, crs),
    }


def _tell(terminal: Terminal, found: PlanLinks, output: Path, map_file: Path | None) -> None:
    language, grids = terminal.language, found.micro_grids
    status = found.members["status"].value_counts()
    values = {
        "households": int(grids["households"].sum()), "linked": int(grids["linked"].sum()),
        "unlinked": int(grids["unlinked"].sum()), "links": int(grids["links"].sum()),
        "members": int(found.members["households"].sum()),
    }  # fmt: skip
    lines = [text("cli.link.summary", language, **values)]
    broken = [finding for finding in found.findings if finding.severity == "error"]
    open_ = int((grids["proved"] == 0).sum())
    metres, bound = float(grids["metres"].sum()), float(grids["bound"].sum())
    gap = (metres - bound) / metres if metres else 0.0
    lines.append(
        "  " + text("cli.link.gap", language, gap=max(gap, 1e-4), count=open_)
        if open_
        else "  " + text("cli.link.proved", language)
    )
    lines += [f"  {sentence(finding, language)}" for finding in broken[:SHOWN_FINDINGS]]
    if len(broken) > SHOWN_FINDINGS:
        lines.append(
            "  " + text("cli.more_findings", language, count=len(broken) - SHOWN_FINDINGS, file=output)
        )
    warn(terminal, found.findings)
    lines.append(text("cli.link.written", language, file=output))
    if map_file is not None:
        lines.append(text("cli.map_written", language, file=map_file))
    terminal.result(
        lines,
        {
            "links_file": str(output), "map": map_file and str(map_file), **values,
            "proved": not open_, "gap": round(gap, 6),
            "places": {str(name): int(count) for name, count in status.items()},
            "findings": len(found.findings),
        },
    )  # fmt: skip
