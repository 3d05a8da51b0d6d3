"""What a command tells at its end: notes on stderr, the summary, values for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from api.console import Terminal
from geo.alternatives import Alternative
from geo.findings import Finding
from geo.partition import Band, Search
from geo.planning import Plan
from geo.review import Review, count_values
from maps.findings import grid_count_text, sentence
from maps.text import Language, printable, text

# A terminal shows this many findings; all of them stand in the plan file or the workbook.
SHOWN_FINDINGS = 20
# Of one kind of warning a terminal shows this many, and of communities this many.
SHOWN_WARNINGS = 3
SHOWN_COMMUNITIES = 20


def warn(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """Print the warnings among some findings: of each kind the first few and how many more there are."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity == "warning":
            kinds.setdefault(finding.code, []).append(finding)
    for same in kinds.values():
        for finding in same[:SHOWN_WARNINGS]:
            terminal.warn(sentence(finding, terminal.language))
        if len(same) > SHOWN_WARNINGS:
            terminal.warn(text("cli.more_warnings", terminal.language, count=len(same) - SHOWN_WARNINGS))


def review_values(review: Review, findings: Sequence[Finding]) -> dict[str, object]:
    """Return totals, findings by severity and grids out of band, for scripts."""
    return {
        **review.counts(),
        "findings": {
            severity: sum(finding.severity == severity for finding in findings)
            for severity in ("error", "warning", "info")
        },
        "grid_counts": [
            {
                "community_id": community_id,
                "households": count.households,
                "special_households": count.special_households,
                "grids": count.grids,
                "special_grids": count.special_grids,
                "least": count.legal.start if count.legal else None,
                "most": count.legal.stop - 1 if count.legal else None,
                "units_too_large": list(count.too_large),
                "households_too_large": count.too_large_households,
                "least_in_band": count.in_band.start if count.in_band else None,
                "most_in_band": count.in_band.stop - 1 if count.in_band else None,
            }
            for community_id, count in review.communities.items()
        ],
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


def summary_lines(
    review: Review, findings: Sequence[Finding], language: Language, *, band: Band, file: Path | None
) -> list[str]:
    """Return the totals and the first broken rules, for people; the others stand in `file`."""
    counts = review.counts()
    lines = [text("cli.summary", language, **counts)]
    if counts["households_left_out"]:
        lines.append("  " + text("cli.left_out", language, **counts))
    lines += _grid_counts(review, language, band)
    broken = [finding for finding in findings if finding.severity == "error"]
    lines += [f"  {sentence(finding, language)}" for finding in broken[:SHOWN_FINDINGS]]
    if len(broken) > SHOWN_FINDINGS:
        key = "cli.more_findings" if file else "cli.more_findings_no_file"
        lines.append("  " + text(key, language, count=len(broken) - SHOWN_FINDINGS, file=file))
    return lines


def _grid_counts(review: Review, language: Language, band: Band) -> list[str]:
    """Return how many grids the households of each community allow, the first communities only."""
    lines = []
    for community_id, count in list(review.communities.items())[:SHOWN_COMMUNITIES]:
        if not count.households:
            continue
        named = text("finding.community", language, community_id=printable(community_id))
        community = named if community_id else text("finding.everywhere", language)
        values = count_values(count, band)
        apart = grid_count_text(community, values, language)
        key = "none" if not count.legal else "one" if len(count.legal) == 1 else "several"
        lines.append(
            "  " + (apart or text(f"cli.grid_counts.{key}", language, community=community, **values))
        )
    if len(review.communities) > SHOWN_COMMUNITIES:
        more = len(review.communities) - SHOWN_COMMUNITIES
        lines.append("  " + text("cli.more_communities", language, count=more))
    return lines


def search_lines(search: Search | None, language: Language) -> list[str]:
    """Return how a plan was searched for, for people: seed, effort, time, and why it ended."""
    if search is None:
        return []
    key = f"cli.search.{search.ended}"
    effort = text(f"cli.effort.{search.effort}", language)
    return ["  " + text(key, language, seed=search.seed, effort=effort, seconds=search.seconds)]


def search_values(search: Search | None) -> dict[str, object] | None:
    """Return how a plan was searched for, for scripts."""
    if search is None:
        return None
    return {
        "seed": search.seed,
        "effort": search.effort,
        "rounds": search.rounds,
        "seconds": round(search.seconds, 2),
        "ended": search.ended,
    }


def search_columns(search: Search | None) -> dict[str, str]:
    """Return how a plan was searched for, as columns of the table `run`."""
    return {} if search is None else {"effort": search.effort, "ended": search.ended}


def alternative_lines(
    several: Sequence[Alternative], asked: int, files: Sequence[Path], language: Language
) -> list[str]:
    """Return what each of several plans is good at and how far it is from the first, for people."""
    lines = [text("cli.alternatives.title", language)]
    for at, (one, file) in enumerate(zip(several, files, strict=False)):
        merits = one.merits
        measures = text(
            "cli.alternatives.measures", language, file=file.name, grids=len(one.plan.grid_ids),
            km=merits.border_m / 1000, splits=merits.splits, deviation=merits.deviation,
        )  # fmt: skip
        leaning = text(f"cli.alternatives.{one.leaning}", language)
        away = text("cli.alternatives.apart", language, share=one.apart) if at else ""
        lines.append("  " + measures + leaning + away)
    if len(several) < asked:
        lines.append("  " + text("cli.alternatives.fewer", language, found=len(several), asked=asked))
    return lines


def alternative_values(
    several: Sequence[Alternative], files: Sequence[tuple[Path, Path | None]]
) -> list[dict[str, object]]:
    """Return several plans, each with its file and map, and what they are compared by, for scripts."""
    return [
        {
            "plan": str(plan_file),
            "map": map_file and str(map_file),
            "leaning": one.leaning,
            "micro_grids": len(one.plan.grid_ids),
            "border_m": round(one.merits.border_m, 2),
            "splits": one.merits.splits,
            "deviation": round(one.merits.deviation, 3),
            "apart": round(one.apart, 4),
        }
        for one, (plan_file, map_file) in zip(several, files, strict=False)
    ]


def work_values(made: Plan, column: str) -> dict[str, object]:
    """Return how a second weight is spread over the grids in band, for scripts."""
    load = made.grid_work()[: made.partition.n_parts]
    load = np.delete(load, made.partition.out_of_band)
    if not len(load):
        return {"column": column, "mean": None, "least": None, "most": None}
    return {
        "column": column,
        "mean": round(float(load.mean()), 3),
        "least": round(float(load.min()), 3),
        "most": round(float(load.max()), 3),
    }


def work_line(made: Plan, column: str, language: Language) -> str:
    """Return the same for people."""
    values = work_values(made, column)
    key = "cli.work.none" if values["mean"] is None else "cli.work.spread"
    return "  " + text(key, language, **{**values, "column": printable(column)})
