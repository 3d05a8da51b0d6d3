"""`weige privacy` as people use it: what is held about a number is shown, corrected and erased."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.cases.contacts import ContactKey, write_new_key
from api.cli import main
from api.database import Store
from tests.api.cases.desk import Desk, open_desk

PHONE, OTHER = "13812345678", "13987654321"


@pytest.fixture
def desk(store: Store) -> Desk:
    return open_desk(store)


@pytest.fixture
def key(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContactKey:
    monkeypatch.setenv("DATABASE_URL", desk.store.url)
    monkeypatch.setenv("WEIGE_CONTACT_KEY_FILE", str(tmp_path / "key"))
    return write_new_key(tmp_path / "key")


def hold(desk: Desk, key: ContactKey, phone: str) -> str:
    number = desk.report()["number"]
    sealed = key.seal(number, phone)
    desk.call(
        "SELECT keep_contact(:n, :sealed, :trace, :key)", "dispatcher", n=number, sealed=sealed.sealed,
        trace=sealed.trace, key=sealed.key_id,
    )  # fmt: skip
    return number


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def said(*arguments: str, typed: str = "", status: int = 0) -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        monkeypatch.setattr("sys.argv", ["weige", "privacy", *arguments, "--json", "--lang", "en"])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == status, err
        return json.loads(out) if status == 0 else err

    return said


def test_what_is_held_about_a_number_is_shown_corrected_and_erased(desk: Desk, key: ContactKey, run):
    mine = [hold(desk, key, PHONE) for _ in range(2)]
    others = hold(desk, key, OTHER)

    shown = run("show", typed=f"+86 {PHONE}\n")
    assert [one["case"] for one in shown["held"]] == mine
    assert PHONE not in json.dumps(shown)
    assert run("show", "--case", mine[0])["held"][0]["phone"] == PHONE

    assert run("correct", typed=f"{PHONE}\n13700000000\n") == {"corrected": mine}
    assert run("show", typed=f"{PHONE}\n") == {"held": []}
    assert run("erase", typed="13700000000\n") == {"erased": mine}
    assert run("show", typed="13700000000\n") == {"held": []}
    assert run("show", "--case", others)["held"][0]["phone"] == OTHER
    assert run("erase", "--case", others) == {"erased": [others]}
    with desk.store.owner.connect() as owner:
        left = owner.execute(
            text("SELECT count(*) FROM vault.contacts WHERE sealed IS NOT NULL")
        ).scalar_one()
        told = owner.execute(text("SELECT action, body::text FROM log WHERE action LIKE 'contact_%'")).all()
    assert left == 0
    assert {row.action for row in told} == {
        "contact_kept",
        "contact_shown",
        "contact_corrected",
        "contact_erased",
    }
    assert not any(phone in row.body for row in told for phone in (PHONE, OTHER, "13700000000"))


def test_what_is_no_number_and_a_key_that_is_not_there_are_one_line(
    desk: Desk, key: ContactKey, run, monkeypatch: pytest.MonkeyPatch
):
    assert "no telephone number" in run("show", typed="hello\n", status=2)
    for command in ("show", "erase"):
        assert "no case 3209240" in run(command, "--case", "3209240", status=2)
    monkeypatch.delenv("WEIGE_CONTACT_KEY_FILE")
    assert "WEIGE_CONTACT_KEY_FILE" in run("show", typed=f"{PHONE}\n", status=2)


def test_a_new_key_is_written_once(run, tmp_path: Path):
    assert run("new-key", str(tmp_path / "new"))["key_id"] == ContactKey.read(tmp_path / "new").key_id
    assert "file of that name" in run("new-key", str(tmp_path / "new"), status=2)
