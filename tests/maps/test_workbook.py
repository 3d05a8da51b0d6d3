from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from geo.balancer import review
from geo.errors import InputError
from geo.findings import Finding
from geo.partition import Band
from maps.findings import findings_frame, remedies_frame
from maps.styles import STATUS
from maps.text import words
from maps.workbook import write_findings
from tests.builders import draw_adjacency

CODE = "320585001001007"
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "</script><b>",
    "{{ 7*7 }}",
    "a\x00b\x0bc",
    "\u202eevil",
    "#N/A",
    "\ud800",
    "line\nbreak",
    "say \"hi\", 'ho'",
]


def findings(*grid_ids: str) -> pd.DataFrame:
    return findings_frame(
        [
            Finding(
                "too_small",
                "error",
                CODE[:12],
                grid_id,
                ("u1", "u2"),
                {"households": 30, "lower": 50, "units": 2},
            )
            for grid_id in grid_ids
        ],
        "zh_CN",
    )


def grids() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "grid_id": [CODE, CODE[:-1] + "8"],
            "households": [30, 90],
            "units": [2, 5],
            "status": ["too_small", "ok"],
            "reason": ["mendable", ""],
            "area_m2": [1234.5, float("nan")],
        }
    )


def communities() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "community_id": [CODE[:12], "c2"],
            "households": [120, 30],
            "grids": [2, 1],
            "least_grids": pd.array([2, None], dtype="Int64"),
            "most_grids": pd.array([2, None], dtype="Int64"),
        }
    )


def written(path: Path, *grid_ids: str, language: str = "zh_CN") -> openpyxl.Workbook:
    write_findings(
        path,
        findings=findings(*grid_ids),
        grids=grids(),
        communities=communities(),
        language=language,  # type: ignore[arg-type]
    )
    return openpyxl.load_workbook(path)


def rows(sheet) -> list[tuple[object, ...]]:
    return list(sheet.iter_rows(values_only=True))


def test_a_workbook_has_a_sheet_of_findings_of_grids_and_of_communities(tmp_path):
    book = written(tmp_path / "f.xlsx", CODE)

    assert book.sheetnames == ["问题清单", "微网格", "社区"]
    assert rows(book["问题清单"]) == [
        ("问题", "级别", "网格编码", "社区编码", "单元", "说明"),
        ("户数不足", "错误", CODE, CODE[:12], "u1、u2", f"网格{CODE}共30户，不足下限50户。"),
    ]
    assert rows(book["微网格"])[1:] == [
        (CODE, 30, 2, "户数不足", "可调整", 1234.5),
        (CODE[:-1] + "8", 90, 5, "户数适中", None, None),
    ]
    assert rows(book["社区"])[1:] == [
        (CODE[:12], 120, 2, 2, 2),
        ("c2", 30, 1, "无合规网格数", "无合规网格数"),
    ]


def test_a_workbook_says_who_goes_where_and_counts_every_household(tmp_path):
    # Alone, the too large x is cut in two; the unit left out joins y.
    found = review(
        draw_adjacency("A B C D E F"),
        np.array([20, 40, 35, 45, 60, 9]),
        None,
        np.array(["x", "x", "x", "x", "y", None], dtype=object),
        band=Band(),
    )
    write_findings(
        tmp_path / "f.xlsx",
        findings_frame(found.findings),
        remedies=remedies_frame(found.findings),
        summary=found.summary_frame(),
        language="zh_CN",
    )
    book = openpyxl.load_workbook(tmp_path / "f.xlsx")

    assert book.sheetnames == ["问题清单", "处理方案", "汇总"]
    assert rows(book["问题清单"])[0] == (
        "问题", "级别", "网格编码", "社区编码", "单元", "说明", "方案序号",
    )  # fmt: skip
    assert [(row[0], row[-1]) for row in rows(book["问题清单"])[1:]] == [
        ("网格数不合规", None),
        ("有户未划入网格", 1),
        ("户数超限", 2),
    ]
    assert rows(book["处理方案"]) == [
        (
            *("方案序号", "措施", "社区编码", "原网格", "划入网格", "新设第几个", "户数", "单元数", "单元"),
            *("调整后户数", "原网格余下户数", "效果"),
        ),
        (1, "调整", None, None, "y", None, 9, 1, "F", 69, None, "可解决"),
        (2, "拆分", None, "x", "x", None, 80, 2, "C、D", 80, 80, "可解决"),
        (2, "拆分", None, "x", None, 1, 60, 2, "A、B", 60, 80, "可解决"),
    ]
    assert dict(rows(book["汇总"])[1:]) == {
        "社区数": 1, "总户数": 209, "其中：在网格内的户数": 200, "其中：未划入任何网格的户数": 9,
        "未划入网格者中，在各社区之外的户数": 0, "微网格数": 2, "其中：户数适中": 1, "其中：户数不足": 0,
        "其中：户数超限": 1, "其中：不计规模（专属网格或无住户社区）": 0,
    }  # fmt: skip


def test_headings_and_words_are_in_the_language_asked_for(tmp_path):
    book = written(tmp_path / "f.xlsx", CODE, language="en")

    assert book.sheetnames == ["Findings", "Grids", "Communities"]
    assert rows(book["Grids"])[0] == (
        "Grid",
        "Households",
        "Number of units",
        "Status",
        "Reason",
        "Area (m²)",
    )
    assert rows(book["Grids"])[1][3:5] == ("Too small", "can be mended")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("status", STATUS)
def test_a_workbook_calls_a_status_as_the_map_does(tmp_path, language, status):
    write_findings(
        tmp_path / "f.xlsx",
        pd.DataFrame({"code": [status]}),
        pd.DataFrame({"grid_id": [CODE], "status": [status]}),
        summary=pd.DataFrame({"item": [status], "value": [1]}),
        language=language,
    )
    found, grids_of, summary = openpyxl.load_workbook(tmp_path / "f.xlsx")
    on_map = words(language)[f"page.status.{status}"]

    assert grids_of["B2"].value == on_map
    assert on_map.lower() in summary["A2"].value.lower()
    if status in ("too_small", "too_large"):
        assert found["A2"].value.lower() == on_map.lower()


def test_headings_stay_in_sight_and_columns_are_wide_enough_for_codes(tmp_path):
    for sheet in written(tmp_path / "f.xlsx", CODE):
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.column_dimensions["A"].width >= 12


def test_codes_of_15_digits_stay_text(tmp_path):
    cell = written(tmp_path / "f.xlsx", CODE)["微网格"]["A2"]

    assert (cell.data_type, cell.value, cell.number_format) == ("s", CODE, "@")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_a_formula_and_never_breaks_the_file(tmp_path, text):
    sheet = written(tmp_path / "f.xlsx", text)["问题清单"]
    kept = text.replace("\x00", "").replace("\x0b", "").replace("\ud800", "") or None

    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert sheet["C2"].value == kept
    with zipfile.ZipFile(tmp_path / "f.xlsx") as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_more_text_than_a_cell_holds_is_cut_with_a_mark(tmp_path):
    value = written(tmp_path / "f.xlsx", "x" * 40_000)["问题清单"]["C2"].value

    assert len(value) == 32_767
    assert value.endswith("…")


def test_tables_without_rows_have_their_headings(tmp_path):
    book = written(tmp_path / "f.xlsx")

    assert rows(book["问题清单"]) == [("问题", "级别", "网格编码", "社区编码", "单元", "说明")]


def test_a_csv_begins_with_a_mark_so_that_excel_reads_chinese(tmp_path):
    write_findings(tmp_path / "f.csv", findings=findings(CODE), language="zh_CN")
    content = (tmp_path / "f.csv").read_bytes()

    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert read == [
        ["问题", "级别", "网格编码", "社区编码", "单元", "说明"],
        ["户数不足", "错误", CODE, CODE[:12], "u1、u2", f"网格{CODE}共30户，不足下限50户。"],
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_csv_begins_as_a_formula(tmp_path, text):
    write_findings(tmp_path / "f.csv", findings=findings(text), language="en")
    read = list(csv.reader(io.StringIO((tmp_path / "f.csv").read_bytes().decode("utf-8-sig"), newline="")))

    assert len(read) == 2
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in read for cell in row)


def test_json_has_codes_and_values_for_scripts(tmp_path):
    write_findings(
        tmp_path / "f.json",
        findings=findings(CODE, "\x00x"),
        grids=grids(),
        communities=communities(),
        language="en",
    )
    content = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))

    assert content["findings"][0]["severity"] == "error"
    assert content["findings"][0]["unit_ids"] == ["u1", "u2"]
    assert content["findings"][0]["values"] == {"households": 30, "lower": 50, "units": 2}
    assert content["findings"][1]["grid_id"] == "x"
    assert content["grids"][1] == {
        "grid_id": CODE[:-1] + "8",
        "households": 90,
        "units": 5,
        "status": "ok",
        "reason": "",
        "area_m2": None,
    }
    assert content["communities"][1]["least_grids"] is None


def test_an_existing_file_is_replaced_and_nothing_else_is_left(tmp_path):
    (tmp_path / "f.csv").write_text("old")
    write_findings(tmp_path / "f.csv", findings=findings(CODE), language="en")

    assert [file.name for file in tmp_path.iterdir()] == ["f.csv"]
    assert "old" not in (tmp_path / "f.csv").read_text(encoding="utf-8")


def test_an_unknown_ending_is_refused_and_writes_nothing(tmp_path):
    with pytest.raises(InputError) as refused:
        write_findings(tmp_path / "f.doc", findings=findings(CODE), language="en")

    assert refused.value.code == "output_format_unknown"
    assert list(tmp_path.iterdir()) == []
