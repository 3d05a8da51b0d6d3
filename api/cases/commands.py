"""What the commands of `weige cases` do, and tell."""

from __future__ import annotations

from api.cases.case_log import verify_cases
from api.console import Terminal
from api.settings import Settings
from api.store_commands import migrated
from maps.text import text

# Faults that a terminal shows; a script gets all of them.
SHOWN_FAULTS = 20


def verify_log(terminal: Terminal, settings: Settings) -> bool:
    """Verify the log of cases and tell what came of it; return whether everything holds."""
    with migrated(settings) as store:
        found = verify_cases(store)
    language = terminal.language
    counts = {
        "cases": found.cases, "entries": found.entries, "digests": found.digests,
        "undigested": found.undigested,
    }  # fmt: skip
    lines = [
        text("cli.cases_verified", language, **counts),
        text("cli.cases_head", language, head=found.head),
        text("cli.cases_hold" if not found.faults else "cli.cases_faults", language, n=len(found.faults)),
    ]
    lines += [
        "  "
        + text(f"cli.case_fault.{fault.code}", language, number=fault.number, seq=fault.seq, said=fault.said)
        for fault in found.faults[:SHOWN_FAULTS]
    ]
    faults = [vars(fault) for fault in found.faults]
    terminal.result(lines, {**counts, "head": found.head, "faults": faults})
    return not found.faults
