"""What the commands do, between reading layers and telling the result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from api.city_time import now
from api.console import Report, Terminal
from api.outputs import draw_map, numbered, ready, run_times
from api.stopping import first_ends_search
from api.telling import (
    alternative_lines,
    alternative_values,
    review_values,
    search_columns,
    search_lines,
    search_values,
    summary_lines,
    warn,
    work_line,
    work_values,
)
from geo.alternatives import Alternative, require_count
from geo.alternatives import alternatives as find_alternatives
from geo.containers import source_of
from geo.errors import InputError
from geo.files import written
from geo.findings import Finding
from geo.floors import read_floors, with_floors
from geo.layers import LayerKind
from geo.partition import Band, EffortName
from geo.plan_layers import read_plan_layers, without_own_grids
from geo.planning import Plan, plan
from geo.review import Review
from maps.bundle import require_bundle
from maps.findings import findings_frame, remedies_frame, sentence
from maps.text import text

Sources = Mapping[LayerKind, str]
Fields = Mapping[tuple[LayerKind, str], str]


def make_plan(
    terminal: Terminal,
    sources: Sources,
    fields: Fields,
    *,
    floors_file: str | None = None,
    crs: str | None,
    id_column: str | None,
    bounds: tuple[int, int],
    seed: int,
    effort: EffortName | None = None,
    time_s: float | None = None,
    work: str | None = None,
    alternatives: int | None = None,
    output: Path,
    map_file: Path | None,
) -> None:
    """Plan, write the plan and the map, and tell how it went.

    Where alternatives are asked for, the first goes to the files named, each further one to files of its own
    (`numbered`), its map beside the first for comparison.
    """
    given = [*sources.values(), *([floors_file] if floors_file else [])]
    if alternatives is not None:
        require_count(alternatives)
    files = [
        (numbered(output, at), None if map_file is None else numbered(map_file, at))
        for at in range(1, (alternatives or 1) + 1)
    ]
    for plan_file, drawn in files:
        ready({plan_file: (".gpkg",), drawn: (".html", ".htm")}, given)
    band = Band(*bounds)
    started = now()
    with terminal.progress() as report:
        report("reading", 0, 1)
        floors = {} if floors_file is None else read_floors(floors_file)
        layers = read_plan_layers(sources, fields=fields, crs=crs, id_column=id_column)
        layers = replace(
            layers,
            units=with_floors(
                layers.units, floors, file="" if floors_file is None else source_of(floors_file).name
            ),
        )
        report("reading", 1, 1)
        warn(terminal, layers.findings)
        with first_ends_search(lambda: terminal.warn(text("cli.stopping", terminal.language))) as is_pressed:
            several: tuple[Alternative, ...] = ()
            if alternatives is None:
                plans = [
                    plan(
                        layers, band=band, seed=seed, effort=effort, time_s=time_s, work=work,
                        on_progress=report, should_stop=is_pressed,
                    )
                ]  # fmt: skip
            else:
                several = find_alternatives(
                    layers, alternatives, band=band, seed=seed, effort=effort, time_s=time_s, work=work,
                    on_progress=report, should_stop=is_pressed,
                )  # fmt: skip
                plans = [one.plan for one in several]
        named = {f"{kind}.{column}": name for (kind, column), name in fields.items()}
        told = {"crs": crs, "id": id_column, "fields": named}
        if floors_file is not None:
            told["floors"] = source_of(floors_file).name
        if work is not None:
            told["work"] = work
        options = json.dumps(told, ensure_ascii=False)
        for made, (plan_file, drawn) in zip(plans, files, strict=False):
            _write(made, plan_file, started, report, options=options)
            if drawn is not None:
                draw_map(terminal, plan_file, drawn, report, compare=None if plan_file == output else output)
    _tell_plan(terminal, plans[0], files, several, work=work, asked=alternatives)


def make_map(
    terminal: Terminal,
    plan_file: Path,
    output: Path,
    *,
    incidents: str | None,
    stations: str | None,
    context: Sequence[str],
    fields: Fields,
    crs: str | None,
    compare: Path | None = None,
    period: str | None = None,
    watermark: str | None = None,
    with_texts: bool = False,
) -> None:
    """Write the map of a plan."""
    plans = [str(plan_file), *([str(compare)] if compare else [])]
    given = [*plans, *(source for source in (incidents, stations) if source), *context]
    ready({output: (".html", ".htm")}, given)
    with terminal.progress() as report:
        found = draw_map(
            terminal, plan_file, output, report,
            incidents=incidents, stations=stations, context=context, fields=fields, crs=crs,
            compare=compare, period=period, watermark=watermark, with_texts=with_texts,
        )  # fmt: skip
    lines = [text("cli.map_written", terminal.language, file=output)]
    values: dict[str, object] = {"map": str(output)}
    if period is not None:
        left_out = dict.fromkeys(("cases_outside_period", "case_day_unreadable"), 0)
        for finding in found:
            if finding.code in left_out:
                left_out[finding.code] = cast("int", finding.values["n"])
                # That of days that cannot be read was told as a warning already.
                if finding.severity == "info":
                    lines.append("  " + sentence(finding, terminal.language))
        values |= left_out
    terminal.result(lines, values)


def check_grids(
    terminal: Terminal,
    sources: Sources,
    fields: Fields,
    *,
    crs: str | None,
    id_column: str | None,
    bounds: tuple[int | None, int | None],
    output: Path | None,
    map_file: Path | None,
    plan_file: Path | None = None,
    tomorrow: str | None = None,
) -> bool:
    """Judge drawn grids, write the findings and the map, and say whether any grid breaks a rule."""
    from api.tomorrow_command import steps_of_table, tomorrow_lines, tomorrow_values
    from geo.checking import check
    from geo.standing_files import EarlierPlan
    from maps.plan_file import checked_frames, write_frames

    inputs = [*sources.values(), *(str(given) for given in (plan_file, tomorrow) if given is not None)]
    ready({output: (".xlsx", ".csv", ".json"), map_file: (".html", ".htm")}, inputs)
    plan_of = None if plan_file is None else EarlierPlan(plan_file)
    if plan_of is not None:
        sources = {**plan_of.sources(), **sources}
    for kind, option in (("units", "--units"), ("grids", "--grids")):
        if kind not in sources:
            raise InputError(
                "nothing_to_check", f"there are no {kind} to check",
                mend=f"name a plan.gpkg, or give {option}", option=option,
            )  # fmt: skip
    usual = (plan_of and plan_of.band()) or Band()
    band = Band(
        usual.lower if bounds[0] is None else bounds[0], usual.upper if bounds[1] is None else bounds[1]
    )
    started = now()
    with terminal.progress() as report:
        report("reading", 0, 1)
        # No units are written, so nothing of theirs is kept under another name.
        layers = without_own_grids(read_plan_layers(sources, fields=fields, crs=crs, id_column=id_column))
        report("reading", 1, 1)
        warn(terminal, layers.findings)
        checked = check(layers, band=band, on_progress=report)
        warn(terminal, checked.doubts)
        expected = None if tomorrow is None else steps_of_table(checked, tomorrow)
        findings = (*checked.findings, *checked.review.grid_counts_told(band))
        if output is not None:
            _write_findings(terminal, output, findings, checked.review)
        if map_file is not None:
            with written(map_file), TemporaryDirectory(dir=map_file.resolve().parent) as folder:
                drawn = Path(folder) / "checked.gpkg"
                write_frames(checked_frames(checked, run_times(started)), drawn)
                draw_map(terminal, drawn, map_file, report)
    broken = [finding for finding in findings if finding.severity == "error"]
    values = review_values(checked.review, findings)
    lines = summary_lines(checked.review, findings, terminal.language, band=band, file=output)
    values |= {"findings_file": output and str(output), "map": map_file and str(map_file)}
    if expected is not None:
        lines += tomorrow_lines(expected[1], terminal.language)
        values["tomorrow"] = tomorrow_values(*expected)
    terminal.result(lines, values)
    return bool(broken)


def make_demo(terminal: Terminal, folder: Path) -> None:
    """Write the sample town, its plan, findings and map."""
    from geo.synthetic import write_sample

    if folder.exists() and not folder.is_dir():
        raise InputError(
            "output_not_writable", "is not a folder", mend="choose another name with -o", file=folder.name
        )
    require_bundle()
    with written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    started = now()
    layers_folder, output = folder / "layers", folder / "plan.gpkg"
    with terminal.progress() as report:
        report("sample", 0, 1)
        with written(layers_folder):
            sample = write_sample(layers_folder)
        report("sample", 1, 1)
        sources: dict[LayerKind, str] = {
            kind: str(path) for kind, path in sample.items() if kind not in ("stations", "incidents")
        }
        layers = read_plan_layers(sources)
        made = plan(layers, on_progress=report)
        _write(made, output, started, report)
        _write_findings(terminal, folder / "findings.xlsx", made.findings, made.review)
        draw_map(
            terminal,
            output,
            folder / "map.html",
            report,
            incidents=str(sample["incidents"]),
            stations=str(sample["stations"]),
        )
    _tell_plan(terminal, made, [(output, folder / "map.html")])


def _write(made: Plan, output: Path, started: datetime, report: Report, *, options: str = "{}") -> None:
    from maps.plan_file import plan_frames, write_frames

    report("writing", 0, 1)
    run = {**run_times(started), **search_columns(made.partition.search), "options": options}
    write_frames(plan_frames(made, run), output)
    report("writing", 1, 1)


def _write_findings(terminal: Terminal, path: Path, findings: Sequence[Finding], review: Review) -> None:
    from maps.workbook import write_findings

    write_findings(
        path,
        findings_frame(findings),
        review.grids_frame(),
        review.communities_frame(),
        remedies=remedies_frame(findings),
        summary=review.summary_frame(),
        language=terminal.language,
    )


def _tell_plan(
    terminal: Terminal,
    made: Plan,
    files: Sequence[tuple[Path, Path | None]],
    several: Sequence[Alternative] = (),
    *,
    work: str | None = None,
    asked: int | None = None,
) -> None:
    output, map_file = files[0]
    language = terminal.language
    values = review_values(made.review, made.findings)
    lines = [
        text("cli.plan_written", language, file=output, map=map_file)
        if map_file
        else text("cli.plan_only_written", language, file=output),
        *search_lines(made.partition.search, language),
        *summary_lines(made.review, made.findings, language, band=made.partition.band, file=output),
    ]
    values |= {"search": search_values(made.partition.search)}
    if work is not None:
        lines.append(work_line(made, work, language))
        values |= {"work": work_values(made, work)}
    if asked is not None:
        lines += alternative_lines(several, asked, [plan_file for plan_file, _ in files], language)
        values |= {"alternatives": alternative_values(several, files)}
    terminal.result(lines, {"plan": str(output), "map": map_file and str(map_file), **values})
