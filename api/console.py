"""What the terminal shows: results on stdout, messages and progress on stderr, one line for a fault."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from maps.text import Language, printable, text


class Report(Protocol):
    """Called with a stage and how much of it is done."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note."""


class Terminal:
    """Where one command speaks.

    Parameters
    ----------
    language : Language
    quiet : bool
        No progress and no warnings; faults and results are still shown.
    as_json : bool
        Results as one JSON object.
    """

    def __init__(self, language: Language, *, quiet: bool, as_json: bool) -> None:
        self.language = language
        self.quiet = quiet
        self.as_json = as_json

    def result(self, lines: list[str], values: dict[str, object]) -> None:
        """Print a result for people, or its values for scripts."""
        if self.as_json:
            sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
        else:
            sys.stdout.writelines(printable(line) + "\n" for line in lines)
        # Somebody may wait for it behind a pipe, while the command goes on.
        sys.stdout.flush()

    def warn(self, line: str) -> None:
        """Print one warning line unless quiet."""
        if not self.quiet:
            sys.stderr.write(f"{text('cli.warning', self.language)}{printable(line)}\n")

    def fault(self, line: str) -> None:
        """Print the one line of a fault."""
        sys.stderr.write(f"weige: {printable(line)}\n")

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Show a bar with an estimate while the block runs; a pipe and quiet show none."""
        if self.quiet or not sys.stderr.isatty():
            yield _nowhere
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        tasks = {}
        with bar:

            def report(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bar.add_task(text(f"cli.stage.{stage}", self.language), total=total)
                bar.update(tasks[stage], completed=done, total=total)

            yield report


def _nowhere(stage: str, done: int, total: int) -> None:
    """Report to nobody."""
