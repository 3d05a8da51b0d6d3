"""Workbooks of a plan or of cases, and what is told of them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from api.cli_options import server_installed, settings_of
from api.console import Terminal
from api.outputs import ready
from api.stopping import cleared_up
from geo.errors import InputError
from maps.text import text

# What stands for the cases of the store, in place of a file.
CASES = "cases"


def make_workbook(terminal: Terminal, source: str, output: Path, *, data_dir: str | None) -> None:
    """Write the workbook of a plan file, of a table of cases (CSV), or of the cases of the store."""
    from maps.case_book import write_case_book

    language = terminal.language
    path = Path(source)
    if source == CASES and not path.exists():
        ready({output: (".xlsx",)}, [])
        with server_installed():
            from api.cases.commands import export_quietly
        with cleared_up(), TemporaryDirectory(dir=output.resolve().parent) as folder:
            table = Path(folder) / "cases.csv"
            export_quietly(settings_of(data_dir), table)
            count, left_out = write_case_book(table, output, language=language)
    elif path.suffix.lower() == ".csv":
        ready({output: (".xlsx",)}, [])
        with cleared_up():
            count, left_out = write_case_book(path, output, language=language)
    elif path.suffix.lower() == ".gpkg":
        from maps.plan_book import write_plan_book

        ready({output: (".xlsx",)}, [source])
        with cleared_up():
            rows = write_plan_book(path, output, language=language)
        line = text(
            "cli.plan_book_written",
            language,
            file=output,
            grids=rows.get("grids", 0),
            units=rows.get("units", 0),
        )
        return terminal.result([line], {"workbook": str(output), "rows": rows})
    else:
        raise InputError(
            "workbook_source",
            "is neither a plan nor a table of cases",
            mend="give a plan.gpkg, a .csv of cases, or the word cases for those of the service",
            file=path.name,
        )
    lines = [text("cli.case_book_written", language, file=output, cases=count)]
    if left_out:
        lines.append(text("cli.columns_left_out", language, columns=", ".join(left_out)))
    return terminal.result(lines, {"workbook": str(output), "cases": count, "left_out": left_out})
