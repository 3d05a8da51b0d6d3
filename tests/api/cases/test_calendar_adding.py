"""A deadline that reaches a year without calendar is refused, and whoever has the notice adds the year."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from api.cases.calendar import CalendarError, CalendarMissingError, load_calendar, read_year
from api.cases.calendar_adding import add_year, draft_of, holidays_of
from api.cases.categories import edition_of_rows, edition_rows, shipped_edition
from api.cases.stored_rules import store_edition
from api.cli import app
from geo.errors import InputError
from maps.text import LANGUAGES
from maps.text import text as words_of
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.cases.test_cases_routes import post, step
from tests.api.cases.test_loop import WHOLE

# More than a year: whenever this runs, it reaches a year whose notice nobody has.
LONG = "300工作日"


def filled(draft: str, year: int) -> str:
    """A draft as whoever has the notice fills it in: here with days that are made up."""
    lines, holiday = [], 0
    for line in draft.splitlines():
        holiday += line == "[[holidays]]"
        lines.append(
            line.replace('""', f"{year}-{holiday:02}-05") if line.startswith(("first", "last")) else line
        )
    saturday = next(day for n in range(7) if (day := date(year, 2, 10) + timedelta(n)).weekday() == 5)
    lines += ["[[make_up_days]]", 'name = "春节"', f"day = {saturday}"]
    return "\n".join(lines).replace('source = ""', 'source = "a notice made up for a test"')


def test_a_deadline_of_a_year_without_calendar_is_refused_until_its_notice_is_typed_in(
    client: TestClient, desk: Desk, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = [{**row, "limit": LONG} for row in edition_rows(shipped_edition())]
    with desk.store.owner.begin() as owner:
        store_edition(owner, edition_of_rows("long", "test", rows), in_force=True)
    monkeypatch.chdir(tmp_path)
    number = post(client, desk).json()["number"]
    assert desk.row(number)["due_at"] is None  # no report is refused for it
    desk.take(number, WHOLE[0])
    wanted = datetime.now(UTC).year
    for _ in range(3):
        told = step(client, desk, "dispatcher", number, "dispatch", to="环卫所")
        if told.status_code != 422:
            break
        assert told.json()["code"] == "calendar_missing"
        year = next(one for one in range(wanted, wanted + 3) if f" of {one};" in told.json()["detail"])
        assert f"weige cases calendar {year} " in told.json()["detail"]
        assert f"weige cases calendar CN-{year}.toml" in told.json()["detail"]

        command = ["cases", "calendar", "--data-dir", str(folder)]
        drafted = CliRunner().invoke(app, [*command, str(year), "--lang", "zh_CN"])
        assert f"weige cases calendar CN-{year}.toml" in drafted.output
        file = Path(f"CN-{year}.toml")
        # As it was drafted nothing of it is taken: no day of a coming year is guessed.
        with pytest.raises(CalendarError):
            add_year(load_calendar(), file, folder / "calendars")
        file.write_text(filled(file.read_text(encoding="utf-8"), year), encoding="utf-8")
        added = CliRunner().invoke(app, [*command, str(file), "--lang", "zh_CN"])
        assert added.exit_code == 0, added.output
        assert f"元旦：{year}-01-05 至 {year}-01-05 放假（1天）" in added.output
        assert "春节：" in added.output
    # The service that runs takes it at once.
    assert told.status_code == 201, told.text
    due = desk.row(number)["due_at"]
    assert due.year == year
    account = client.get(f"/api/v1/cases/{number}/account", headers=bearer(desk.tokens["dispatcher"])).json()
    assert account["agrees"]
    assert any("元旦" in line for line in account["why"])


def test_a_case_of_a_year_without_calendar_opens_and_says_which_is_missing(client: TestClient, desk: Desk):
    number = desk.report(role="dispatcher", reported_at="2019-06-03T01:00:00Z")["number"]
    with desk.store.owner.begin() as owner:
        owner.execute(text("UPDATE cases SET due_at = reported_at WHERE number = :n"), {"n": number})
    account = client.get(
        f"/api/v1/cases/{number}/account",
        headers={**bearer(desk.tokens["dispatcher"]), "Accept-Language": "zh-CN"},
    )
    assert account.status_code == 200, account.text
    said = account.json()
    assert said["why"] == [words_of("error.calendar_missing", "zh_CN", calendar="CN", year=2019,
                                    calendar_file="CN-2019.toml")]  # fmt: skip
    assert [(one["party"], one["counted_s"]) for one in said["held"]] == [("source", None), ("desk", None)]
    assert said["held"][0]["held_s"] > 0


def test_a_draft_has_the_hours_and_holidays_of_the_year_before_and_no_day():
    draft = draft_of(load_calendar(), 2999, "zh_CN")
    before = load_calendar().years[max(load_calendar().years)]
    assert [name for name in dict.fromkeys(before.holidays.values()) if f'name = "{name}"' not in draft] == []
    assert 'monday = ["08:00-12:00", "14:00-18:00"]' in draft
    assert str(before.year) not in draft


def test_what_was_filled_in_is_read_back(tmp_path: Path):
    file = tmp_path / "CN-2999.toml"
    file.write_text(filled(draft_of(load_calendar(), 2999, "en"), 2999), encoding="utf-8")
    read = read_year(file)
    before = load_calendar().years[2026]
    assert (read.windows, read.zone, read.hours_of_working_day) == (
        before.windows, before.zone, before.hours_of_working_day,
    )  # fmt: skip
    assert [off.first.month for off in holidays_of(read)] == list(range(1, len(holidays_of(before)) + 1))
    assert len(read.make_up_days) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [(("2999-01-05", "2998-01-05"), "calendar_other_year"),
     (("a notice made up for a test", "unconfirmed"), "calendar_not_filled"),
     (("Asia/Shanghai", "Asia/Tokyo"), "calendar_other"), (('"CN"', '"JP"'), "calendar_file_name"),
     (("a notice made up for a test", ""), "calendar_source_missing")],
)  # fmt: skip
def test_a_file_that_is_not_right_is_refused_and_leaves_the_folder_as_it_was(
    tmp_path: Path, change: tuple[str, str], code: str
):
    file, folder = tmp_path / "CN-2999.toml", tmp_path / "calendars"
    file.write_text(filled(draft_of(load_calendar(), 2999, "en"), 2999).replace(*change), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        add_year(load_calendar(), file, folder)
    assert refused.value.code == code
    for language in LANGUAGES:
        assert words_of(f"error.{code}", language, **refused.value.values)
    assert not folder.exists()


def test_a_year_that_cannot_be_read_is_missing_to_a_service_that_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    calendar = load_calendar(folder=tmp_path)
    (tmp_path / "CN-2999.toml").write_text("year = 2999", encoding="utf-8")
    with pytest.raises(CalendarMissingError):
        calendar.year(2999)
    assert "CN-2999.toml" in caplog.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_years_that_are_there_are_told_and_none_is_drafted_twice(
    language: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    command = ["cases", "calendar", "--data-dir", str(folder)]
    told = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert [one["edition"] for one in told["years"]][:2] == ["CN-2025", "CN-2026"]
    for asked, code in (
        ("2026", "calendar_there"),
        ("1999", "calendar_none_before"),
        ("x.toml", "calendar_no_file"),
    ):
        refused = CliRunner().invoke(app, [*command, asked]).exception
        assert isinstance(refused, InputError)
        assert refused.code == code
        assert words_of(f"error.{code}", language, **refused.values)
    assert CliRunner().invoke(app, [*command, "2999"]).exit_code == 0
    again = CliRunner().invoke(app, [*command, "2999"]).exception
    assert isinstance(again, InputError)
    assert again.code == "calendar_draft_there"
