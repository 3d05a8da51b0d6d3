"""Which version the pages of a community show."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from api import security
from api.dependencies import SESSION_COOKIE
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.place import draw_community


@pytest.fixture
def planner(client, store):
    add_person(store, "planner", ("planner", root_id(store)), password=True)
    client.cookies.set(SESSION_COOKIE, security.sign_in(store, "planner", PASSWORD, "127.0.0.1"))
    return client


@pytest.mark.parametrize("page", ["", "/record", "/cards", "/import", "/compare"])
def test_a_page_asked_for_no_version_shows_one_and_of_an_unknown_one_says_so(planner, store, page):
    drawn = draw_community(store, "320924001001", [[10, 20, 30, 20]])
    address = f"/plan/{drawn.community_id}{page}"

    usual, unknown = planner.get(address), planner.get(address, params={"version": str(uuid.uuid4())})

    assert usual.status_code == 200, usual.text
    assert (unknown.status_code, "页面不存在" in unknown.text) == (404, True)
    if page not in ("", "/compare"):
        assert f"version={drawn.version_id}" in usual.text


@pytest.mark.parametrize("page", ["/record", "/cards", "/import"])
def test_of_a_community_without_versions_there_is_nothing_to_read(planner, store, page):
    with store.owner.begin() as owner:
        bare = owner.execute(
            text(
                "INSERT INTO divisions (parent_id, level, code) "
                "SELECT id, 'community', '320924001009' FROM divisions WHERE parent_id IS NULL RETURNING id"
            )
        ).scalar_one()

    assert planner.get(f"/plan/{bare}{page}").status_code == 404
    assert planner.get(f"/plan/{bare}").status_code == 200
