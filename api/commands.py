"""What the commands do, between reading layers and telling the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from api.console import Report, Terminal
from geo.balancer import Review
from geo.containers import source_of
from geo.errors import InputError
from geo.files import ensure_writable
from geo.findings import Finding
from geo.layers import LayerKind, read_plan_layers
from geo.partition import Band
from geo.planning import Plan, plan
from maps.findings import sentence
from maps.text import Language, text

if TYPE_CHECKING:
    pass

Sources = Mapping[LayerKind, str]
Fields = Mapping[tuple[LayerKind, str], str]


def make_plan(
    terminal: Terminal,
    sources: Sources,
    fields: Fields,
    *,
    crs: str | None,
    id_column: str | None,
    bounds: tuple[int, int],
    seed: int,
    output: Path,
    map_file: Path | None,
) -> None:
    """Plan, write the plan and the map, and tell how it went."""
    _ready({output: (".gpkg",), map_file: (".html", ".htm")}, sources.values())
    band = Band(*bounds)
    started = _now()
    with terminal.progress() as report:
        report("reading", 0, 1)
        layers = read_plan_layers(sources, fields=fields, crs=crs, id_column=id_column)
        report("reading", 1, 1)
        _warn(terminal, layers.findings)
        made = plan(layers, band=band, seed=seed, on_progress=report)
        _write(made, output, started, report)
        if map_file is not None:
            _map(terminal, output, map_file, report)
    _tell_plan(terminal, made, output, map_file)


def make_map(
    terminal: Terminal,
    plan_file: Path,
    output: Path,
    *,
    incidents: str | None,
    stations: str | None,
    context: Sequence[str],
) -> None:
    """Write the map of a plan."""
    given = [str(plan_file), *(source for source in (incidents, stations) if source), *context]
    _ready({output: (".html", ".htm")}, given)
    with terminal.progress() as report:
        _map(terminal, plan_file, output, report, incidents=incidents, stations=stations, context=context)
    terminal.result([text("cli.map_written", terminal.language, file=output)], {"map": str(output)})


def check_grids(
    terminal: Terminal,
    sources: Sources,
    fields: Fields,
    *,
    crs: str | None,
    id_column: str | None,
    bounds: tuple[int, int],
    output: Path | None,
    map_file: Path | None,
) -> bool:
    """Judge drawn grids, write the findings and the map, and say whether any grid breaks a rule."""
    from geo.checking import check
    from maps.plan_file import checked_frames, write_frames
    from maps.workbook import write_findings

    _ready({output: (".xlsx", ".csv", ".json"), map_file: (".html", ".htm")}, sources.values())
    band = Band(*bounds)
    started = _now()
    with terminal.progress() as report:
        report("reading", 0, 1)
        layers = read_plan_layers(sources, fields=fields, crs=crs, id_column=id_column)
        report("reading", 1, 1)
        _warn(terminal, layers.findings)
        checked = check(layers, band=band, on_progress=report)
        if output is not None:
            write_findings(
                output,
                findings_table(checked.findings),
                checked.review.grids_frame(),
                checked.review.communities_frame(),
                language=terminal.language,
            )
        if map_file is not None:
            with TemporaryDirectory(dir=map_file.resolve().parent) as folder:
                drawn = Path(folder) / "checked.gpkg"
                write_frames(checked_frames(checked, _run(started)), drawn)
                _map(terminal, drawn, map_file, report)
    broken = [finding for finding in checked.findings if finding.severity == "error"]
    values = _review_values(checked.review, checked.findings)
    lines = _summary_lines(checked.review, checked.findings, terminal.language)
    terminal.result(
        lines, {**values, "findings_file": output and str(output), "map": map_file and str(map_file)}
    )
    return bool(broken)


def make_demo(terminal: Terminal, folder: Path) -> None:
    """Write the sample town, its plan, findings and map."""
    from geo.synthetic import write_sample
    from maps.workbook import write_findings

    if folder.exists() and not folder.is_dir():
        raise InputError(
            "output_not_writable", "is not a folder", mend="choose another name with -o", file=folder.name
        )
    folder.mkdir(parents=True, exist_ok=True)
    started = _now()
    layers_folder, output = folder / "layers", folder / "plan.gpkg"
    with terminal.progress() as report:
        report("sample", 0, 1)
        written = write_sample(layers_folder)
        report("sample", 1, 1)
        sources: dict[LayerKind, str] = {
            kind: str(path) for kind, path in written.items() if kind not in ("stations", "incidents")
        }
        layers = read_plan_layers(sources)
        made = plan(layers, on_progress=report)
        _write(made, output, started, report)
        write_findings(
            folder / "findings.xlsx",
            findings_table(made.findings),
            made.review.grids_frame(),
            made.review.communities_frame(),
            language=terminal.language,
        )
        _map(
            terminal,
            output,
            folder / "map.html",
            report,
            incidents=str(written["incidents"]),
            stations=str(written["stations"]),
        )
    _tell_plan(terminal, made, output, folder / "map.html")


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return findings as a table for the workbook: code, severity, ids and the sentence in both languages."""
    rows = [
        (
            finding.code,
            finding.severity,
            finding.community_id,
            finding.grid_id,
            ", ".join(finding.unit_ids),
            sentence(finding, "zh_CN"),
            sentence(finding, "en"),
        )
        for finding in findings
    ]
    return pd.DataFrame(
        rows, columns=["code", "severity", "community_id", "grid_id", "unit_ids", "text_zh", "text_en"]
    )


def _write(made: Plan, output: Path, started: datetime, report: Report) -> None:
    from maps.plan_file import plan_frames, write_frames

    report("writing", 0, 1)
    write_frames(plan_frames(made, _run(started)), output)
    report("writing", 1, 1)


def _map(
    terminal: Terminal,
    plan_file: Path,
    output: Path,
    report: Report,
    *,
    incidents: str | None = None,
    stations: str | None = None,
    context: Sequence[str] = (),
) -> None:
    from maps.export import write_map

    report("map", 0, 1)
    found = write_map(
        plan_file, output, incidents=incidents, stations=stations, context=context, language=terminal.language
    )
    report("map", 1, 1)
    _warn(terminal, found)


def _ready(outputs: Mapping[Path | None, tuple[str, ...]], sources: Iterable[str]) -> None:
    """Refuse outputs that cannot be written, or that would replace an input, before any work is done."""
    inputs = {source_of(source).path.resolve() for source in sources}
    for output, suffixes in outputs.items():
        if output is None:
            continue
        if output.suffix.lower() not in suffixes:
            raise InputError(
                "output_suffix",
                f"the name should end in {' or '.join(suffixes)}",
                mend=f"for example {output.stem}{suffixes[0]}",
                file=output.name,
                suffixes=" / ".join(suffixes),
                example=f"{output.stem}{suffixes[0]}",
            )
        if output.resolve() in inputs:
            raise InputError(
                "output_is_input",
                "would replace one of the inputs",
                mend="choose another name",
                file=output.name,
            )
        ensure_writable(output)


def _warn(terminal: Terminal, findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.severity == "warning":
            terminal.warn(sentence(finding, terminal.language))


def _now() -> datetime:
    return datetime.now().astimezone()


def _run(started: datetime) -> dict[str, str]:
    return {
        "started": started.isoformat(timespec="seconds"),
        "finished": _now().isoformat(timespec="seconds"),
    }


def _tell_plan(terminal: Terminal, made: Plan, output: Path, map_file: Path | None) -> None:
    values = _review_values(made.review, made.findings)
    lines = [
        text("cli.plan_written", terminal.language, file=output, map=map_file)
        if map_file
        else text("cli.plan_only_written", terminal.language, file=output),
        *_summary_lines(made.review, made.findings, terminal.language),
    ]
    terminal.result(lines, {"plan": str(output), "map": map_file and str(map_file), **values})


def _review_values(review: Review, findings: Sequence[Finding]) -> dict[str, object]:
    statuses = [status.status for status in review.statuses.values()]
    return {
        "communities": len(review.legal_counts),
        "households": int(sum(status.households for status in review.statuses.values())),
        "micro_grids": len(statuses),
        **{status: statuses.count(status) for status in ("ok", "too_small", "too_large", "exempt")},
        "findings": {
            severity: sum(finding.severity == severity for finding in findings)
            for severity in ("error", "warning", "info")
        },
        "out_of_band": [
            {
                "grid_id": grid_id,
                "status": status.status,
                "households": status.households,
                "reason": status.reason,
            }
            for grid_id, status in review.statuses.items()
            if status.status in ("too_small", "too_large")
        ],
    }


# A terminal shows this many findings; all of them stand in the plan file and the workbook.
SHOWN_FINDINGS = 20


def _summary_lines(review: Review, findings: Sequence[Finding], language: Language) -> list[str]:
    values = _review_values(review, findings)
    lines = [text("cli.summary", language, **values)]
    broken = [finding for finding in findings if finding.severity == "error"]
    lines += [f"  {sentence(finding, language)}" for finding in broken[:SHOWN_FINDINGS]]
    if len(broken) > SHOWN_FINDINGS:
        lines.append("  " + text("cli.more_findings", language, count=len(broken) - SHOWN_FINDINGS))
    return lines
