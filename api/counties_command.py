"""`weige counties`: plans of all counties of a folder, on this machine or a cluster."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path

from api.console import Terminal
from api.fault_lines import fault_line
from geo.errors import GeoError, InputError
from geo.farming import Outcome, WorkerLostError, farmed
from geo.files import replacing
from geo.partition import Band
from maps.counties import County, CountyPlan, counties_of, is_planned, plan_county
from maps.text import Language, printable, text

SUMMARY = "summary.json"
_SUMS = ("communities", "units", "households", "micro_grids", "out_of_band", "not_proved")


def plan_counties(
    terminal: Terminal,
    folder: Path,
    output: Path,
    *,
    bounds: tuple[int, int],
    seed: int,
    crs: str | None,
    jobs: int,
    scheduler: str | None,
    goes_on: bool,
) -> bool:
    """Plan every county that is not planned yet; return whether none was refused.

    Parameters
    ----------
    jobs : int
        Processes; 0: as many as there are cores.
    scheduler : str or None
        Address of a Dask scheduler, in place of processes here.
    goes_on : bool
        Whether plans that are there stay, and only the others are made.
    """
    counties = counties_of(folder)
    band = Band(*bounds)
    _ready(output, counties, goes_on=goes_on)
    wanted = [county for county in counties if not is_planned(county, output)]
    job = partial(plan_county, into=output.resolve(), band=band, seed=seed, crs=crs)
    made: list[CountyPlan] = []
    refused: list[dict[str, str]] = []
    done, total = 0, sum(county.units for county in wanted)
    with terminal.progress() as report:
        report("counties", 0, total)
        processes = min(jobs or os.cpu_count() or 1, max(len(wanted), 1))
        for outcome in farmed(job, wanted, jobs=processes, scheduler=scheduler):
            done += outcome.item.units
            report("counties", done, total)
            told = _refusals(outcome, terminal.language)
            refused += told
            for one in told:
                terminal.warn(" ".join(filter(None, (one["county"], one["community"], one["why"]))))
            if outcome.made is not None:
                made.append(outcome.made)
    sums = {name: sum(getattr(county, name) for county in made) for name in _SUMS}
    values: dict[str, object] = {
        "folder": str(output), "counties": len(made), "kept": len(counties) - len(wanted), **sums,
        "cpu_s": round(sum(county.cpu_s for county in made), 1),
        "refused": sorted(refused, key=lambda one: (one["county"], one["community"])),
    }  # fmt: skip
    with replacing(output / SUMMARY) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")
    terminal.result(_lines(values, terminal.language), values)
    return not refused


def _ready(output: Path, counties: list[County], *, goes_on: bool) -> None:
    try:
        output.mkdir(parents=False, exist_ok=True)
    except OSError as error:
        raise InputError(
            "output_not_writable", "cannot be written", mend="choose another name or folder", file=output.name
        ) from error
    if not goes_on and any(is_planned(county, output) for county in counties):
        raise InputError(
            "counties_there", "there are plans already",
            mend="choose another folder, or give --resume", file=str(output), option="--resume",
        )  # fmt: skip
    # What a run left that was cut off.
    for leftover in output.glob(".county=*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _refusals(outcome: Outcome[County, CountyPlan], language: Language) -> list[dict[str, str]]:
    if outcome.error is not None:
        why = _why(outcome.error, language)
        return [{"county": outcome.item.name, "community": "", "why": why}]
    assert outcome.made is not None
    return [
        {"county": one.county, "community": one.community, "why": _why(one.error, language)}
        for one in outcome.made.refused
    ]


def _why(error: Exception, language: Language) -> str:
    if isinstance(error, GeoError):
        return printable(fault_line(error, language))
    if isinstance(error, WorkerLostError):
        return text("cli.counties.lost", language)
    return printable(text("cli.counties.failed", language, reason=f"{type(error).__name__}: {error}"))


def _lines(values: dict[str, object], language: Language) -> list[str]:
    lines = [text("cli.counties.written", language, **values), text("cli.counties.sums", language, **values)]
    refused = values["refused"]
    assert isinstance(refused, list)
    if refused:
        lines.append(text("cli.counties.refused", language, count=len(refused), file=SUMMARY))
    return lines
