"""The commands of `weige cases`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import text
from typer.testing import CliRunner

from api.cases.case_log import digest_cases
from api.cases.categories import COLUMNS, edition_rows, shipped_edition
from api.cli import app
from api.database import Store
from geo.errors import InputError
from maps.text import words
from tests.api.cases.desk import open_desk


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_case_that_was_deleted_with_its_log_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, language: str
):
    monkeypatch.setenv("DATABASE_URL", store.url)
    desk = open_desk(store)
    number = desk.report()["number"]
    desk.report()
    digest_cases(store)
    command = ["cases", "verify-log", "--lang", language]
    held = CliRunner().invoke(app, command)
    assert held.exit_code == 0, held.output
    with store.owner.begin() as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        owner.execute(text("DELETE FROM log WHERE chain = :n"), {"n": number})
        owner.execute(text("DELETE FROM cases WHERE number = :n"), {"n": number})
    told = CliRunner().invoke(app, [*command, "--json"])
    assert told.exit_code == 1
    (fault,) = json.loads(told.output)["faults"]
    assert (fault["code"], fault["number"]) == ("digest", "1")
    sentence = words(language)["cli.case_fault.digest"].format(number="1", seq=1, said=fault["said"])
    assert sentence in CliRunner().invoke(app, command).output


def sheet_of(path: Path, rows: list[dict[str, str]]) -> Path:
    book = Workbook()
    book.active.append([names[1] for names in COLUMNS.values()])
    for row in rows:
        book.active.append([row[column] for column in COLUMNS])
    book.save(path)
    return path


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_sheet_of_classes_is_compared_first_and_open_cases_keep_their_edition(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str
):
    monkeypatch.setenv("DATABASE_URL", store.url)
    desk = open_desk(store)
    number = desk.report()["number"]
    rows = [row for row in edition_rows(shipped_edition()) if row["small_name"] != "黑车拉客"]
    for row in rows:
        if row["large_code"] + row["small_code"] == "E0102":
            row["limit"] = "4工作时"
    rows.append({**rows[0], "small_code": "77", "small_name": "新增小类", "filing": ""})
    file = sheet_of(tmp_path / "classes.xlsx", rows)
    command = [
        "cases",
        "categories",
        str(file),
        "--edition",
        "2027",
        "--source",
        "某市 2027",
        "--lang",
        language,
    ]
    looked = CliRunner().invoke(app, command)
    assert looked.exit_code == 0, looked.output
    assert words(language)["cli.categories_not_stored"].format(edition="2027") in looked.output
    with store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM case_editions")).scalar_one() == 1
    done = CliRunner().invoke(app, [*command, "--in-force", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["added"], told["changed"], told["removed"], told["live"]) == (1, 1, 1, 1)
    assert told["live_by_class"] == {"E0102": 1}
    assert "~ E0102 暴露垃圾: 5工作日 → 4工作时" in told["changes"]
    assert desk.row(number)["edition"] == shipped_edition().name
    with store.owner.connect() as owner:
        assert owner.execute(text("SELECT edition, source FROM case_editions WHERE in_force")).one() == (
            "2027",
            "某市 2027",
        )
    # A wish is a wish in the new edition too.
    wish = desk.report(edition="2027", category="X9001")["number"]
    assert desk.row(wish)["kind"] == "wish"
    again = CliRunner().invoke(app, [*command, "--in-force"])
    assert isinstance(again.exception, InputError)
    assert again.exception.code == "edition_there"


def test_an_area_is_told_who_may_report_there_and_keeps_what_is_not_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", store.url)
    desk = open_desk(store)

    def intake(*options: str) -> dict[str, object]:
        told = CliRunner().invoke(app, ["cases", "intake", *options, "--json", "--lang", "en"])
        assert told.exit_code == 0, told.output
        return json.loads(told.stdout)

    assert intake("320924001") == {"area": "320924001", "reporters": True, "anonymous": False}
    assert intake("320924001", "--anonymous")["anonymous"] is True
    # A community below says nothing of its own: what its street says holds there.
    assert intake(desk.place.code) == {"area": desk.place.code, "reporters": True, "anonymous": True}
    assert intake("320924001", "--no-reporters") == {
        "area": "320924001", "reporters": False, "anonymous": True,
    }  # fmt: skip
    with pytest.raises(InputError, match="no area"):
        CliRunner().invoke(app, ["cases", "intake", "999"], catch_exceptions=False)


def test_the_workbook_of_the_cases_of_the_store_holds_each_of_them_as_text(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("DATABASE_URL", store.url)
    monkeypatch.chdir(tmp_path)
    desk = open_desk(store)
    numbers = [desk.report(text=said)["number"] for said in ('=HYPERLINK("http://x")', "路灯不亮")]
    book = tmp_path / "cases.xlsx"

    done = CliRunner().invoke(app, ["workbook", "cases", "-o", str(book), "--lang", "zh_CN", "--json"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["cases"] == 2
    cells = [cell for row in load_workbook(book).active.iter_rows(min_row=2) for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    values = {cell.value for cell in cells}
    assert {*numbers, '=HYPERLINK("http://x")', "路灯不亮"} <= values
    # The table it is made from is gone.
    assert [path.name for path in tmp_path.iterdir()] == ["cases.xlsx"]


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_incidents_of_the_sample_come_in_as_cases_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, language: str
):
    monkeypatch.setenv("DATABASE_URL", store.url)
    open_desk(store)
    file = Path(__file__).parents[3] / "data/shapefiles/sample/incidents/incidents.csv"
    command = ["cases", "import", str(file), "--area", "320924001"]
    told = CliRunner().invoke(app, [*command, "--lang", language])
    assert told.exit_code == 0, told.output
    assert words(language)["cli.cases_ended_begun"].split("{")[0] in told.output
    assert "--open-only" in told.output
    again = CliRunner().invoke(app, [*command, "--json"])
    assert (json.loads(again.output)["added"], json.loads(again.output)["known"]) == (0, 72)
    with store.owner.connect() as owner:
        rows = owner.execute(
            text("SELECT external_number, category, kind, text FROM cases ORDER BY external_number")
        ).all()
    assert [row.external_number for row in rows] == [f"202506{n:04}" for n in range(1, 73)]
    assert {row.category: row.kind for row in rows}["X9002"] == "property"
    assert ("E0402", "incident", "建华园2号楼水管爆裂") in [tuple(row[1:]) for row in rows]


def test_a_class_is_said_as_name_and_code(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DATABASE_URL", store.url)
    desk = open_desk(store)
    file = tmp_path / "orders.csv"
    file.write_text(
        "流水,类别,来电时间,状态\n7,市政,2026-11-20 09:30,处理中\n8,市政,2026-11-20 09:30,办结\n",
        encoding="utf-8",
    )
    command = ["cases", "import", str(file), "--area", "320924001", "--number-column", "流水", "--open-only"]
    refused = CliRunner().invoke(app, [*command, "--class", "市政"])
    assert isinstance(refused.exception, InputError)
    assert refused.exception.code == "class_not_said"
    told = CliRunner().invoke(app, [*command, "--class", "市政=C0199", "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.output)
    assert (said["added"], said["ended"]) == (1, 1)
    with desk.store.owner.connect() as owner:
        assert owner.execute(text("SELECT external_number, category FROM cases")).all() == [("7", "C0199")]
