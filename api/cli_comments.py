"""weige comments: what a meeting decided and noted, brought back from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli_options import JsonOption, LangOption, OutOption, QuietOption, terminal_of

comments = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Bring back decisions and comments of meetings."
)


@comments.callback()
def _group() -> None:
    """Bring back decisions and comments of meetings."""


@comments.command()
def merge(
    *,
    meeting: Annotated[Path, typer.Argument(metavar="MEETING", help="The meeting.html of the notes.")],
    notes: Annotated[list[Path], typer.Argument(metavar="NOTES", help="Files saved on it (.json).")],
    output: OutOption,
    lang: LangOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Merge the notes of all copies of a meeting into one workbook; nothing is lost."""
    from api.city_time import city_zone
    from api.outputs import ready
    from api.stopping import cleared_up
    from maps.notes import meeting_id, merged, read_notes, write_merged
    from maps.text import text

    terminal = terminal_of(lang, quiet=quiet, as_json=as_json)
    ready({output: (".xlsx",)}, [])
    made_on = meeting_id(meeting)
    entries = merged(read_notes(each, made_on) for each in notes)
    with cleared_up():
        write_merged(output, entries, terminal.language, zone=city_zone())
    standing = [each for each in entries if not each.removed and not each.is_other_form]
    counts = {
        "items": sum(each.type == "item" for each in standing),
        "decisions": sum(each.type == "item" and bool(each.decision) for each in standing),
        "comments": sum(each.type == "comment" for each in standing),
        "other_forms": sum(each.is_other_form for each in entries),
    }
    line = text("cli.notes_merged", terminal.language, file=output, notes=len(notes), **counts)
    terminal.result([line], {"workbook": str(output), **counts})
