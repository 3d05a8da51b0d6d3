"""Contacts: sealed, called without being shown, erased when the return visit is some days past."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.backup import write_backup
from api.cases.contacts import ContactKey, plain_phone, write_new_key
from api.database import Store
from api.errors import NotValidError
from api.housekeeping import keep_house
from api.settings import Settings
from geo.errors import InputError
from tests.api.accounts import bearer, service
from tests.api.cases.desk import Desk
from tests.api.cases.test_reports import let_in, report
from tests.api.plans import silent

PHONE = "13812345678"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    # In the folder that is backed up: where it should not lie.
    write_new_key(tmp_path / "data" / "contact.key")
    return tmp_path / "data" / "contact.key"


@pytest.fixture
def client(desk: Desk, key_file: Path) -> Iterator[TestClient]:
    with service(desk.store, data_dir=key_file.parent, contact_key_file=key_file) as opened:
        yield opened


def keep(client: TestClient, desk: Desk, number: str, phone: str = PHONE, role: str = "dispatcher") -> int:
    return client.put(
        f"/api/v1/cases/{number}/contact", json={"phone": phone}, headers=bearer(desk.tokens[role])
    ).status_code


def call(client: TestClient, desk: Desk, number: str, role: str = "dispatcher"):
    return client.post(f"/api/v1/cases/{number}/calls", headers=bearer(desk.tokens[role]))


def everything(store: Store) -> str:
    """All rows of all tables, as text."""
    with store.owner.connect() as owner:
        tables = owner.execute(
            text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('weige', 'vault')")
        ).all()
        return "\n".join(
            str(owner.execute(text(f'SELECT t::text FROM "{schema}"."{table}" t')).scalars().all())
            for schema, table in tables
        )


def test_a_key_opens_what_it_sealed_for_the_same_case_and_nothing_else(tmp_path: Path):
    key, other = (write_new_key(tmp_path / name) for name in ("a", "b"))
    sealed = key.seal("1", "+86 138-1234-5678")

    assert ContactKey.read(tmp_path / "a").open("1", sealed.sealed) == PHONE
    assert key.seal("1", PHONE).sealed != sealed.sealed
    assert key.seal("2", PHONE).trace == sealed.trace != other.trace(PHONE)
    for wrong in (lambda: key.open("2", sealed.sealed), lambda: other.open("1", sealed.sealed)):
        with pytest.raises(NotValidError):
            wrong()


@pytest.mark.parametrize(
    ("said", "plain"), [("0518-85412345", "051885412345"), ("（0518）8541234", "05188541234")]
)
def test_numbers_are_taken_as_digits(said: str, plain: str):
    assert plain_phone(said) == plain


@pytest.mark.parametrize("said", ["12345", "1381234567", "138123456789", "abc", ""])
def test_what_is_no_telephone_number_is_refused(said: str):
    with pytest.raises(NotValidError):
        plain_phone(said)


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path):
    write_new_key(tmp_path / "key")
    with pytest.raises(InputError, match="file of that name"):
        write_new_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(InputError, match="other users"):
        ContactKey.read(tmp_path / "key")
    (tmp_path / "key").write_bytes(b"short")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(InputError, match="no key"):
        ContactKey.read(tmp_path / "key")


def test_a_contact_is_nowhere_in_clear_and_is_called_by_those_who_follow_the_case(
    client: TestClient, desk: Desk
):
    number = desk.report()["number"]
    assert keep(client, desk, number) == 204
    assert PHONE not in everything(desk.store)

    told = call(client, desk, number)

    assert told.json() == {"dial": f"tel:{PHONE}"}
    assert told.headers["cache-control"] == "no-store"
    assert PHONE not in everything(desk.store)
    for role, status in (("viewer", 404), ("grid_worker", 404), ("reporter", 404), ("verifier", 201)):
        assert call(client, desk, number, role).status_code == status, role
    can = client.get(f"/api/v1/cases/{number}/contact", headers=bearer(desk.tokens["viewer"]))
    assert can.json() == {"can_call": False}
    with desk.store.owner.connect() as owner:
        audited = owner.execute(text("SELECT actor FROM log WHERE action = 'contact_called'")).scalars().all()
    assert sorted(audited) == sorted([desk.ids["dispatcher"], desk.ids["verifier"]])


def test_the_service_s_role_reads_no_contact_but_by_calling(client: TestClient, desk: Desk):
    number = desk.report()["number"]
    keep(client, desk, number)
    for statement in ("SELECT * FROM vault.contacts", "SELECT erase_contacts(1)"):
        with (
            pytest.raises(Exception, match="permission denied"),
            desk.store.acting(desk.ids["dispatcher"], {"dispatcher": [desk.place.path]}) as session,
        ):
            session.execute(text(statement))


def test_who_reported_without_an_account_leaves_a_number_with_his_key(
    client: TestClient,
    desk: Desk,
    admin: dict[str, str],
):
    let_in(client, admin, desk.street)
    key = str(uuid4())
    number = report(client, key).json()["number"]
    headers = {"Idempotency-Key": key}
    assert client.post("/api/v1/reports/contact", json={"phone": PHONE}, headers=headers).status_code == 204
    assert call(client, desk, number).json() == {"dial": f"tel:{PHONE}"}


def test_a_contact_is_erased_some_days_after_the_return_visit_and_not_before(client: TestClient, desk: Desk):
    number, reopened = desk.report()["number"], desk.report()["number"]
    done = (
        ("dispatcher", "accept"), ("dispatcher", "dispatch", {"to": "water works"}), ("handler", "start"),
        ("handler", "finish", {"note": "好"}), ("verifier", "verify"),
        ("dispatcher", "visit", {"outcome": "satisfied"}),
        ("dispatcher", "close"),
    )  # fmt: skip
    for each in (number, reopened):
        keep(client, desk, each)
        desk.take(each, *done)
    desk.take(reopened, ("inspector", "reopen", {"note": "又漏", "reason": "came_back"}))

    def left(days: int) -> list[str]:
        with desk.store.owner.begin() as owner:
            owner.execute(
                text("UPDATE vault.contacts SET done_at = done_at - make_interval(days => :d)"), {"d": days}
            )
        keep_house(desk.store, contact_days=30)
        return [each for each in (number, reopened) if call(client, desk, each).status_code == 201]

    assert left(29) == [number, reopened]
    assert left(2) == [reopened]
    with desk.store.owner.connect() as owner:
        gone = owner.execute(
            text("SELECT sealed, trace FROM vault.contacts WHERE erased_at IS NOT NULL")
        ).all()
    assert gone == [(None, None)]


def test_the_key_is_in_no_backup_even_where_it_lies_in_the_data_folder(
    client: TestClient, desk: Desk, key_file: Path, tmp_path: Path
):
    number = desk.report()["number"]
    keep(client, desk, number)
    settings = Settings(data_dir=key_file.parent, contact_key_file=key_file)
    write_backup(desk.store, settings, tmp_path / "all.tar", silent)

    with tarfile.open(tmp_path / "all.tar") as archive:
        names = archive.getnames()
    assert not any("contact.key" in name for name in names)
    written = (tmp_path / "all.tar").read_bytes()
    assert key_file.read_bytes().strip() not in written
    assert PHONE.encode() not in written


def test_without_a_key_no_contact_is_kept(desk: Desk):
    number = desk.report()["number"]
    with service(desk.store) as client:
        assert keep(client, desk, number) == 409
