"""A page that is opened while the database is away says so to people, and asks again by itself."""

from __future__ import annotations

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.database import Store
from api.dependencies import acting_session
from api.pages import page_session
from tests.api.accounts import service
from tests.api.processes import free_port


def nobody_there() -> None:
    psycopg.connect(host="127.0.0.1", port=free_port(), connect_timeout=2)


@pytest.fixture
def cut_off(store: Store):
    with service(store) as client:
        for session in (page_session, acting_session):
            client.app.dependency_overrides[session] = nobody_there  # type: ignore[attr-defined]
        yield client


def test_people_are_told_in_their_language_and_programs_by_a_problem(cut_off: TestClient):
    asked = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "zh-CN"}
    shown = cut_off.get("/wall", headers=asked)
    assert (shown.status_code, shown.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "数据库暂时无法连接" in shown.text
    assert f'http-equiv="refresh" content="{shown.headers["Retry-After"]}"' in shown.text

    for path, headers in (("/wall", {"Accept": "*/*"}), ("/api/v1/cases", asked)):
        told = cut_off.get(path, headers=headers)
        assert (told.status_code, told.json()["code"]) == (503, "database_away")


def test_people_get_a_page_where_nothing_is_and_programs_a_problem(store: Store):
    asked = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "zh-CN"}
    with service(store) as client:
        shown = client.get("/nowhere", headers=asked)
        assert (shown.status_code, shown.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert 'lang="zh' in shown.text
        for path, headers in (("/nowhere", {"Accept": "*/*"}), ("/api/v1/nowhere", asked)):
            told = client.get(path, headers=headers)
            assert (told.status_code, told.json()["code"]) == (404, "not_found")
