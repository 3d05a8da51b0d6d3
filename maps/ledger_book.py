"""The ledger of a rebalanced plan as a workbook: summary, moves, grids, reconciliation, and the curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.chart import Reference, ScatterChart, Series

from geo.files import replacing
from geo.replanning import Replanned
from maps.text import Language, text
from maps.workbook import add_table

# Where the chart stands, right of the table, and its size in centimetres.
CHART_AT = "H2"
CHART_WIDTH_CM, CHART_HEIGHT_CM = 20.0, 11.0
LINE_COLOUR, MARK_COLOUR = "4472C4", "C00000"


def write_ledger(path: Path, made: Replanned, *, language: Language) -> None:
    """Write the ledger; an existing file is replaced once the new one is whole.

    Parameters
    ----------
    path : Path
        Ends in .xlsx.
    made : Replanned
    language : {"zh_CN", "en"}
        Of headings and words. Codes and ids stay text.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    book = Workbook(write_only=True)
    for name, table in (
        ("summary", made.summary()),
        ("moves", made.ledger.moves),
        ("grids", made.ledger.grids),
        ("reconciliation", made.standing.listed),
    ):
        add_table(book, name, table, language)
    if made.curve:
        curve = made.curve_frame()
        sheet = add_table(book, "curve", _with_mark(curve), language)
        sheet.add_chart(_chart(sheet, len(curve), language), CHART_AT)
    with replacing(path) as beside:
        book.save(beside)


def _with_mark(curve: pd.DataFrame) -> pd.DataFrame:
    """Add a column that holds the households out of band of the recommended point alone, for the chart."""
    mark = curve["households_to_mend"].astype("Int64").where(curve["recommended"])
    return curve.assign(recommended_point=mark)


def _chart(sheet: Any, n_points: int, language: Language) -> ScatterChart:
    chart = ScatterChart()
    chart.title = text("workbook.curve.title", language)
    chart.style = 13
    chart.scatterStyle = "lineMarker"
    chart.x_axis.title = text("workbook.column.moved_households", language)
    chart.y_axis.title = text("workbook.column.households_to_mend", language)
    # Without this, newer spreadsheets hide both axes.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.scaling.min = chart.y_axis.scaling.min = 0
    chart.width, chart.height = CHART_WIDTH_CM, CHART_HEIGHT_CM
    moved = Reference(sheet, min_col=1, min_row=2, max_row=n_points + 1)
    for column, title, colour in (
        (3, text("workbook.curve.points", language), LINE_COLOUR),
        (6, text("workbook.curve.recommended", language), MARK_COLOUR),
    ):
        values = Reference(sheet, min_col=column, min_row=2, max_row=n_points + 1)
        series = Series(values, moved, title=title)
        series.smooth = False
        is_line = column == 3
        series.marker.symbol = "circle" if is_line else "diamond"
        series.marker.size = 5 if is_line else 12
        series.marker.graphicalProperties.solidFill = colour
        series.marker.graphicalProperties.line.solidFill = colour
        if is_line:
            series.graphicalProperties.line.solidFill = colour
        else:
            series.graphicalProperties.line.noFill = True
        chart.series.append(series)
    return chart
