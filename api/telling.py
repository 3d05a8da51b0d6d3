"""What a command tells at its end: notes on stderr, the summary, values for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.console import Terminal
from geo.balancer import Review
from geo.findings import Finding
from maps.findings import sentence
from maps.text import Language, text

# A terminal shows this many findings; all of them stand in the plan file and the workbook.
SHOWN_FINDINGS = 20


def warn(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """Print the warnings among some findings, one line each."""
    for finding in findings:
        if finding.severity == "warning":
            terminal.warn(sentence(finding, terminal.language))


def review_values(review: Review, findings: Sequence[Finding]) -> dict[str, object]:
    """Return totals, findings by severity and grids out of band, for scripts."""
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


def summary_lines(review: Review, findings: Sequence[Finding], language: Language) -> list[str]:
    """Return the totals and the first broken rules, for people."""
    values = review_values(review, findings)
    lines = [text("cli.summary", language, **values)]
    broken = [finding for finding in findings if finding.severity == "error"]
    lines += [f"  {sentence(finding, language)}" for finding in broken[:SHOWN_FINDINGS]]
    if len(broken) > SHOWN_FINDINGS:
        lines.append("  " + text("cli.more_findings", language, count=len(broken) - SHOWN_FINDINGS))
    return lines
