"""The atlas of a plan, and what is told of it."""

from __future__ import annotations

from pathlib import Path

from api.console import Terminal
from api.outputs import ready
from maps.text import text

# Characters without a glyph that a terminal shows.
_SHOWN = 10


def make_atlas(terminal: Terminal, plan_file: Path, output: Path, *, font: str | None) -> None:
    """Write the atlas of a plan: a PDF of all pages, or a PNG of the overview."""
    ready({output: (".pdf", ".png")}, [str(plan_file)])
    from maps.atlas import write_atlas

    with terminal.progress() as report:
        report("atlas", 0, 1)
        made = write_atlas(plan_file, output, font=font, language=terminal.language)
        report("atlas", 1, 1)
    if made.missing:
        separator = text("finding.separator", terminal.language)
        told = separator.join(f"{each} U+{ord(each):04X}" for each in made.missing[:_SHOWN])
        warning = text("cli.atlas_glyphs_missing", terminal.language, characters=told, n=len(made.missing))
        terminal.warn(warning)
    counts = {"communities": made.communities, "cards": made.cards}
    # A picture is the overview alone: it has no page of a community and no card.
    key = "cli.atlas_written" if output.suffix.lower() == ".pdf" else "cli.atlas_overview_written"
    line = text(key, terminal.language, file=output, font=made.font, **counts)
    terminal.result(
        [line], {"atlas": str(output), "font": made.font, "missing": list(made.missing), **counts}
    )
