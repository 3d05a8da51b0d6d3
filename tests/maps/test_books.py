"""Workbooks of plans and of cases: what is typed stays text, and any length fits."""

from __future__ import annotations

import csv
import gc
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from itertools import chain, count, repeat
from pathlib import Path

import openpyxl
import pytest

from geo.encoding import decode_file, encoding_of_file
from geo.errors import InputError
from maps import case_book
from maps.case_book import write_case_book, write_rows
from maps.plan_book import write_plan_book
from maps.workbook import book_at
from tests.api.test_cli import ROOT, WEIGE, weige
from tests.maps.sample_plan import hostile_frames, plan_frames, write_plan

HEADING = ["case_id", "category", "text", "lon", "lat", "reported_at"]
MEASURE = """
import resource, sys
from itertools import chain, repeat
from pathlib import Path
from pathlib import Path
from maps.case_book import write_rows
row = ["AJ1", "路灯", "建华园1号楼水管爆裂", "119.6", "32.0", "2026-11-01"]
rows = chain([["case_id", "category", "text", "lon", "lat", "reported_at"]], repeat(row, int(sys.argv[1])))
write_rows(rows, Path(sys.argv[2]), language="zh_CN", file="x")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


def test_cases_keep_every_row_and_nothing_becomes_a_formula(tmp_path):
    typed = ["=1+1", "+1", "-1", "@x", "#N/A", '=HYPERLINK("http://x")', "路灯\x08坏", "电话13812345678"]
    typed += ["电话一三八一二三四五六七八", "150 001 00001"]
    rows = [[f"A{k:03d}", text, text, "119.6", "32", "2026-11-01"] for k, text in enumerate(typed)]

    count, left_out = write_case_book(
        write_csv(tmp_path / "cases.csv", [HEADING, *rows]), tmp_path / "book.xlsx", language="zh_CN"
    )

    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    cells = list(book["案件"].iter_rows(min_row=2))
    assert (count, left_out, len(cells)) == (len(typed), [], len(typed))
    assert {cell.data_type for row in cells for cell in row} <= {"s", "inlineStr", "n"}
    assert [row[1].value for row in cells] == [*typed[:6], "路灯坏", "电话***", "电话***", typed[-1]]
    assert {(row[3].value, row[4].value) for row in cells} == {(119.6, 32.0)}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le"])
def test_cases_are_read_in_the_encodings_in_which_a_map_reads_them(tmp_path, encoding):
    table = tmp_path / "cases.csv"
    rows = "case_id,诉求\n" + "".join(f"A{k},路灯不亮\n" for k in range(200))
    table.write_bytes(rows.encode(encoding))
    assert decode_file(table.read_bytes()).lstrip("\ufeff") == rows

    count, _ = write_case_book(table, tmp_path / "book.xlsx", language="zh_CN")

    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx").active
    assert (count, sheet["B201"].value) == (200, "路灯不亮")
    assert sheet["B1"].value == "诉求"


def test_letters_far_down_tell_the_encoding(tmp_path):
    table = tmp_path / "cases.csv"
    table.write_bytes(b"case_id,text\n" + b"A,plain\n" * 200_000 + "B,路灯\n".encode("gbk"))

    with table.open("rb") as handle:
        assert encoding_of_file(handle) == "gb18030"


def test_a_column_about_people_is_left_out_and_told(tmp_path):
    table = write_csv(tmp_path / "cases.csv", [["case_id", "联系人", "回访"], ["A1", "王五", "13812345678"]])

    _, left_out = write_case_book(table, tmp_path / "book.xlsx", language="zh_CN")

    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx").active
    assert left_out == ["联系人", "回访"]
    assert [cell.value for cell in sheet[2]] == ["A1"]


def test_a_full_sheet_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(case_book, "MAX_ROWS", 11)

    write_rows(
        chain([["case_id"]], ([str(k)] for k in range(25))), tmp_path / "b.xlsx", language="en", file="x"
    )

    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book.sheetnames == ["Cases", "Cases 2", "Cases 3"]
    assert [sheet.max_row - 1 for sheet in book] == [10, 10, 5]
    assert all(sheet["A1"].value == "Case" for sheet in book)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_cases(tmp_path):
    def peak_kb(rows: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(rows), str(tmp_path / "b.xlsx")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(done.stdout)

    assert peak_kb(30_000) < peak_kb(5_000) + 10_000


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "table_without_heading"), (b"\x80\xff\n", "encoding_unreadable")]
)
def test_a_table_that_is_none_is_refused_and_nothing_is_written(tmp_path, content, code):
    (tmp_path / "cases.csv").write_bytes(content)

    with pytest.raises(InputError) as caught:
        write_case_book(tmp_path / "cases.csv", tmp_path / "book.xlsx", language="zh_CN")

    assert caught.value.code == code
    assert [path.name for path in tmp_path.iterdir()] == ["cases.csv"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_workbook_that_is_stopped_leaves_no_case_behind(tmp_path, stop):
    table = write_csv(
        tmp_path / "cases.csv", chain([HEADING], repeat(["A", "b", "路灯", "", "", ""], 400_000))
    )
    output, common = tmp_path / "out", tmp_path / "tmp"
    output.mkdir()
    common.mkdir()
    running = subprocess.Popen(
        [*WEIGE, "workbook", table, "-o", output / "book.xlsx"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(common)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # What is started in the background of a shell would ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (parts := [*output.rglob("openpyxl.*")]) or not parts[0].stat().st_size:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert stat.S_IMODE(parts[0].parent.stat().st_mode) == 0o700
    running.send_signal(stop)
    _, said = running.communicate(timeout=60)

    assert running.returncode != 0
    assert "Traceback" not in said
    # Nothing among the temporary files of the machine, even where no program can clear up.
    assert list(common.iterdir()) == []
    if stop != signal.SIGKILL:
        assert list(output.iterdir()) == []


def is_broken_off(path, after):
    """Whether a row is broken off after so many steps of the program, as by a signal; else it was whole."""

    class Stop(BaseException):
        pass

    left = iter(range(after))

    def step(*_):
        if next(left, None) is None:
            sys.setprofile(None)
            raise Stop

    try:
        with book_at(path) as book:
            sheet = book.create_sheet("x")
            sheet.append(["A"])
            sys.setprofile(step)
            sheet.append(["B", 1.0])
            sys.setprofile(None)
    except Stop:
        return True
    finally:
        sys.setprofile(None)
    return False


def test_a_row_that_is_broken_off_anywhere_leaves_nothing_to_complain_of(tmp_path, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    places = next(at for at in count() if not is_broken_off(tmp_path / "book.xlsx", at))
    gc.collect()

    assert places > 50
    assert complaints == []
    assert [each.name for each in tmp_path.iterdir()] == ["book.xlsx"]


def test_temporary_files_are_with_those_of_the_machine_again_after_a_workbook(tmp_path):
    before = tempfile.gettempdir()
    with book_at(tmp_path / "book.xlsx") as book:
        book.create_sheet("x").append([1])
        (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
        assert Path(tempfile.gettempdir()) == folder
    assert tempfile.gettempdir() == before
    assert [each.name for each in tmp_path.iterdir()] == ["book.xlsx"]


def test_a_plan_has_a_sheet_for_each_of_its_tables(tmp_path):
    frames = plan_frames()

    rows = write_plan_book(
        write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "plan.xlsx", language="zh_CN"
    )

    book = openpyxl.load_workbook(tmp_path / "plan.xlsx")
    assert book.sheetnames == ["微网格", "社区", "单元", "问题清单"]
    assert rows == {"grids": 12, "communities": 1, "units": 96, "findings": len(frames["findings"])}
    households = [row[4] for row in book["微网格"].iter_rows(min_row=2, values_only=True)]
    assert sum(households) == frames["micro_grids"]["households"].sum()


def test_names_of_a_plan_are_never_formulas(tmp_path):
    frames = hostile_frames()
    frames["communities"]["name"] = "=cmd()"

    write_plan_book(write_plan(tmp_path / "plan.gpkg", frames), tmp_path / "plan.xlsx", language="en")

    book = openpyxl.load_workbook(tmp_path / "plan.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert "=cmd()" in {cell.value for cell in cells}


def test_the_command_takes_a_plan_or_a_table_and_refuses_the_rest_in_one_line(tmp_path):
    plan = write_plan(tmp_path / "plan.gpkg", plan_frames())
    table = write_csv(tmp_path / "cases.csv", [HEADING, *repeat(["A", "b", "c", "", "", ""], 3)])

    of_plan = weige("workbook", plan, "-o", tmp_path / "a.xlsx", "--lang", "zh_CN")
    of_cases = weige("workbook", table, "-o", tmp_path / "b.xlsx", "--lang", "zh_CN")
    refused = weige("workbook", tmp_path / "x.pdf", "-o", tmp_path / "c.xlsx", "--lang", "zh_CN")

    assert "12个微网格、96个单元" in of_plan.stdout
    assert "3件" in of_cases.stdout
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
