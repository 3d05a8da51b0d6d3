"""What a command tells at its end: notes on stderr, the summary, values for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from api.console import Terminal
from geo.balancer import Review
from geo.findings import Finding
from maps.findings import sentence
from maps.text import Language, text

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
                "households": review.community_households[community_id],
                "grids": review.community_grids[community_id],
                "least": legal.start if legal else None,
                "most": legal.stop - 1 if legal else None,
            }
            for community_id, legal in review.legal_counts.items()
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
    review: Review, findings: Sequence[Finding], language: Language, *, file: Path | None
) -> list[str]:
    """Return the totals and the first broken rules, for people; the others stand in `file`."""
    counts = review.counts()
    lines = [text("cli.summary", language, **counts)]
    if counts["households_left_out"]:
        lines.append("  " + text("cli.left_out", language, **counts))
    lines += _grid_counts(review, language)
    broken = [finding for finding in findings if finding.severity == "error"]
    lines += [f"  {sentence(finding, language)}" for finding in broken[:SHOWN_FINDINGS]]
    if len(broken) > SHOWN_FINDINGS:
        key = "cli.more_findings" if file else "cli.more_findings_no_file"
        lines.append("  " + text(key, language, count=len(broken) - SHOWN_FINDINGS, file=file))
    return lines


def _grid_counts(review: Review, language: Language) -> list[str]:
    """Return how many grids the households of each community allow, the first communities only."""
    lines = []
    for community_id, legal in list(review.legal_counts.items())[:SHOWN_COMMUNITIES]:
        named = text("finding.community", language, community_id=community_id)
        range_ = {"least": legal.start, "most": legal.stop - 1} if legal else {}
        key = "none" if not legal else "one" if len(legal) == 1 else "several"
        if not review.community_households[community_id]:
            continue
        lines.append(
            "  "
            + text(
                f"cli.grid_counts.{key}",
                language,
                community=named if community_id else text("finding.everywhere", language),
                households=review.community_households[community_id],
                grids=review.community_grids[community_id],
                **range_,
            )
        )
    if len(review.legal_counts) > SHOWN_COMMUNITIES:
        count = len(review.legal_counts) - SHOWN_COMMUNITIES
        lines.append("  " + text("cli.more_communities", language, count=count))
    return lines
