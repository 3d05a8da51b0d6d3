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


def warn(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """Print the warnings among some findings, one line each."""
    for finding in findings:
        if finding.severity == "warning":
            terminal.warn(sentence(finding, terminal.language))


def review_values(review: Review, findings: Sequence[Finding]) -> dict[str, object]:
    """Return totals, findings by severity and grids out of band, for scripts."""
    return {
        **review.counts(),
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


def summary_lines(
    review: Review, findings: Sequence[Finding], language: Language, *, file: Path | None
) -> list[str]:
    """Return the totals and the first broken rules, for people; the others stand in `file`."""
    counts = review.counts()
    lines = [text("cli.summary", language, **counts)]
    if counts["households_left_out"]:
        lines.append("  " + text("cli.left_out", language, **counts))
    broken = [finding for finding in findings if finding.severity == "error"]
    lines += [f"  {sentence(finding, language)}" for finding in broken[:SHOWN_FINDINGS]]
    if len(broken) > SHOWN_FINDINGS:
        key = "cli.more_findings" if file else "cli.more_findings_no_file"
        lines.append("  " + text(key, language, count=len(broken) - SHOWN_FINDINGS, file=file))
    return lines
