"""The commands of `weige cases`."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from api.cases.case_log import digest_cases
from api.cli import app
from api.database import Store
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
