"""What versions are called, and whose names those who redraw a community see of each other."""

from __future__ import annotations

import re
import secrets

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from api.dependencies import SESSION_COOKIE, key_hash
from tests.api.place import Place, draw_community, token_for

CODE = "320924001001"


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, [[20, 20, 20, 20], [20, 20, 20, 20]])


@pytest.fixture
def planners(store: Store, place: Place) -> list[dict[str, str]]:
    """Two who may redraw the community and administer nothing."""
    return [
        {**token_for(store, name, "planner", place.community_id), "If-Match": "*"}
        for name in ("lihua", "wangmin")
    ]


def session_of(store: Store, name: str) -> str:
    """Sign somebody in who may have no password; the key of the session."""
    key = secrets.token_urlsafe(16)
    with store.owner.begin() as owner:
        owner.execute(
            text("""INSERT INTO keys (token_sha256, user_id, kind, csrf_token, expires_at)
                    SELECT :hash, id, 'session', 'x', now() + interval '1 day' FROM users
                    WHERE name = :name"""),
            {"hash": key_hash(key), "name": name},
        )
    return key


def forked(client: TestClient, version: object, headers: dict[str, str]) -> dict:
    said = client.post(f"/api/v1/versions/{version}/fork", headers=headers)
    assert said.status_code == 201, said.text
    return said.json()


def test_a_version_keeps_its_number_and_another_does_not_get_it(client, place, planners):
    headers = planners[0]
    second, third = (forked(client, place.version_id, headers) for _ in range(2))
    assert (second["number"], third["number"]) == (2, 3)

    assert client.delete(f"/api/v1/versions/{second['id']}", headers=headers).status_code == 204
    assert client.get(f"/api/v1/versions/{third['id']}", headers=headers).json()["number"] == 3
    newest = forked(client, place.version_id, headers)
    assert newest["number"] == 4
    assert client.delete(f"/api/v1/versions/{newest['id']}", headers=headers).status_code == 204
    assert forked(client, place.version_id, headers)["number"] == 5


def test_numbers_are_those_of_the_community(store, client, place, planners):
    other = draw_community(store, "320924001002", [[20, 20, 20, 20]] * 2, lon=121.0)
    headers = {**token_for(store, "everywhere", "planner"), "If-Match": "*"}
    assert forked(client, other.version_id, headers)["number"] == 2
    assert forked(client, place.version_id, headers)["number"] == 2


def test_planners_see_who_redrew_and_readers_do_not(store, client, place, planners):
    lihua, wangmin = planners
    viewer = token_for(store, "viewer", "viewer", place.community_id)
    address = f"/api/v1/versions/{place.version_id}/edits"
    said = client.post(
        address, headers=lihua,
        json={"action": "paint", "moves": [{"unit_ids": ["u01"], "to": f"{CODE}002"}]},
    )  # fmt: skip
    assert said.status_code == 201, said.text
    seq = said.json()["seq"]
    assert client.post(f"{address}/{seq}/note", headers=lihua, json={"note": "测试"}).status_code == 201

    for headers, named in ((wangmin, "lihua"), (lihua, "lihua"), (viewer, None)):
        assert [each["by"] for each in client.get(address, headers=headers).json()["items"]] == [named] * 2
    elsewhere = token_for(store, "elsewhere", "planner", draw_community(
        store, "320924001002", [[20, 20, 20, 20]] * 2, lon=121.0).community_id)  # fmt: skip
    assert client.get(address, headers=elsewhere).status_code == 404
    with store.owner.connect() as owner:
        # Without anybody acting the function says nothing.
        assert owner.execute(text("SELECT * FROM authors(:c)"), {"c": place.community_id}).all() == []


def test_the_picker_tells_versions_apart(store, client, place, planners):
    made = forked(client, place.version_id, planners[0])
    cookie = session_of(store, "wangmin")
    page, english = (
        client.get(
            f"/plan/{place.community_id}",
            headers={"Accept-Language": language, "Cookie": f"{SESSION_COOKIE}={cookie}"},
        ).text
        for language in ("zh-CN", "en")
    )
    newest, oldest = re.findall(r"<option value=[^>]*>([^<]*)</option>", page)[:2]
    assert re.fullmatch(r"第2版 · 草稿 · \d{4}-\d\d-\d\d \d\d:\d\d创建 · lihua", newest)
    assert re.fullmatch(r"第1版 · 草稿 · \d{4}-\d\d-\d\d \d\d:\d\d创建", oldest)
    assert re.search(r"No\. 2 · draft · made \d{4}-\d\d-\d\d \d\d:\d\d · lihua", english)
    assert made["number"] == 2
