"""`weige user`: accounts kept from the machine's own terminal."""

from __future__ import annotations

import json
import sys

import pytest
from sqlalchemy import text

from api import cli, security
from api.database import Store
from tests.api.accounts import PASSWORD, add_area, bearer, service


@pytest.fixture
def run(store: Store, monkeypatch, capsys):
    """Run `weige user …` on the store; return exit code, stdout and stderr."""
    monkeypatch.setenv("DATABASE_URL", store.url)

    def go(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["weige", "user", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return go


def test_an_account_is_added_granted_used_and_disabled(run, store: Store):
    add_area(store, "320924001", "street")
    code, said, _ = run("add", "wang", "--json")
    link = json.loads(said)["link"]
    assert code == 0
    security.set_password(store, link.removeprefix("/welcome/"), PASSWORD)
    assert run("grant", "wang", "planner", "320924001")[0] == 0
    token = json.loads(run("token", "wang", "--label", "sync", "--json")[1])["token"]
    with service(store) as client:
        me = client.get("/api/v1/me", headers=bearer(token)).json()
        assert [(grant["role"], grant["area"]["code"]) for grant in me["grants"]] == [
            ("planner", "320924001")
        ]
        run("grant", "wang", "planner", "320924001", "--remove")
        assert client.get("/api/v1/me", headers=bearer(token)).json()["grants"] == []
        assert "wang：账号已停用" in run("disable", "wang", "--lang", "zh_CN")[1]
        assert client.get("/api/v1/me", headers=bearer(token)).status_code == 401
        run("disable", "wang", "--undo")
        assert client.get("/api/v1/me", headers=bearer(token)).status_code == 401
    security.sign_in(store, "wang", PASSWORD, "192.0.2.1")


def test_a_forgotten_password_is_set_anew_under_the_public_address(run, store: Store, monkeypatch):
    monkeypatch.setenv("WEIGE_PUBLIC_URL", "https://weige.example/")
    run("add", "wang")
    link = json.loads(run("link", "wang", "--json")[1])["link"]

    assert link.startswith("https://weige.example/welcome/")
    assert security.set_password(store, link.rpartition("/")[2], PASSWORD) == "wang"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "wang"], "weige: there is an account wang already; choose another name"),
        (["add", "two words"], "weige: two words is not the name of an account; take 1 to 64 characters"),
        (
            ["grant", "li", "viewer"],
            "weige: there is no account li; add it with weige user add",
        ),
        (["grant", "wang", "king"], "weige: there is no role king; take one of viewer, reporter,"),
        (["grant", "wang", "viewer", "elsewhere"], "weige: there is no area of the code elsewhere"),
        (["grant", "wang", "handler"], "a handler, and only a handler, acts for a department"),
        (["grant", "wang", "viewer", "--department", "x"], "a handler, and only a handler"),
    ],
)
def test_a_fault_is_one_line(run, arguments: list[str], told: str):
    run("add", "wang")
    code, said, fault = run(*arguments, "--lang", "en")

    assert (code, said, fault.count("\n")) == (2, "", 1)
    assert told in fault


def test_a_database_without_the_store_is_named(run, store: Store):
    with store.owner.begin() as owner:
        owner.execute(text("DROP SCHEMA weige CASCADE"))

    assert "start weige serve once" in run("add", "wang", "--lang", "en")[2]


def test_a_link_without_a_public_address_says_what_to_put_before_it(run, store: Store, monkeypatch):
    monkeypatch.delenv("WEIGE_PUBLIC_URL", raising=False)
    said = run("add", "wang", "--lang", "en")[1]
    assert "address of the service" in said
    assert "http://127.0.0.1:8000/welcome/" in said


def test_the_last_administrator_stays_unless_forced(run, store: Store):
    run("add", "chief")
    run("grant", "chief", "admin")
    for way in (["disable", "chief"], ["grant", "chief", "admin", "--remove"]):
        code, _, fault = run(*way, "--lang", "en")
        assert (code, fault.count("\n")) == (2, 1)
        assert "--force" in fault
    run("add", "deputy")
    run("grant", "deputy", "admin")
    assert run("disable", "chief")[0] == 0
    assert run("grant", "deputy", "admin", "--remove", "--force")[0] == 0
