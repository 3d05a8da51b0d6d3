"""Every page names a division without a name by what it is and its code, in the reader's language."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from tests.api.accounts import add_person, bearer
from tests.api.cases.desk import Desk
from tests.api.cases.test_loop import WHOLE
from tests.api.planner_page import sign_in_browser

pytestmark = pytest.mark.xdist_group("npm")

STREET, COMMUNITY = "320924001", "320924001001"
NAMED = {
    "zh-CN": (f"街道 {STREET}", f"社区 {COMMUNITY}"),
    "en": (f"Subdistrict {STREET}", f"Community {COMMUNITY}"),
}
# Where each page names a community, and the street above it; "" where it does not.
PLACES = {
    "/": ("main strong", "main .soft.small"),
    "/plan/{community}": (".place strong", ""),
    "/cases": ("tbody .c-where", "tbody .c-where"),
    "/duty?area={street}": ("tbody td bdi", ".switches bdi"),
    "/indicators?by=area": ("tbody th bdi", "tbody th bdi"),
    "/indicators/agenda": (".held h3 bdi", ".held h3 bdi"),
    "/solved": ("main li p bdi", ""),
    "/wall": ("#late .where", ""),
}


def reader_of(desk: Desk, address: str, *, street: str | None, community: str | None) -> int:
    """Give the street and its community these names and something to show on each page; who reads them."""
    ids = {"street": desk.street, "community": desk.place.community_id}
    roles = ("viewer", "dispatcher", "planner", "inspector", "admin")
    reader, token = add_person(desk.store, "reader", *((role, desk.street) for role in roles))
    late = desk.report()["number"]
    desk.report(role="dispatcher", lon=None, lat=None, area=STREET)
    desk.take(desk.report()["number"], *WHOLE)
    for place in ids.values():
        held = {"division_id": place, "day": "2026-11-10", "kind": "estate_day", "present": 12, "items": []}
        said = httpx2.post(f"{address}/api/v1/meetings", json=held, headers=bearer(token), trust_env=False)
        assert said.status_code == 201, said.text
    with desk.store.owner.begin() as owner:
        for level, name in (("street", street), ("community", community)):
            owner.execute(
                text("UPDATE divisions SET name = :name WHERE id = :id"), {"name": name, "id": ids[level]}
            )
        owner.execute(
            text("UPDATE cases SET due_at = now() - interval '3 hours' WHERE number = :n"), {"n": late}
        )
        owner.execute(
            text("INSERT INTO case_publication (division_id, published) VALUES (:d, true)"),
            {"d": desk.street},
        )
    desk.ids["reader"] = reader
    desk.call("SELECT set_mode(:d, 'drill', '演练')", "reader", d=desk.street)
    return reader


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_pages_name_divisions_without_a_name_alike(desk: Desk, address: str, browser: Browser, locale: str):
    reader = reader_of(desk, address, street=None, community=None)
    community = desk.place.community_id
    with sign_in_browser(desk.store, browser, reader, locale=locale) as context:
        page = context.new_page()
        of_street, of_community = NAMED[locale]
        for path, (there, above) in PLACES.items():
            page.goto(address + path.format(community=community, street=STREET))
            for place, name in ((there, of_community), (above, of_street)):
                if place:
                    expect(page.locator(place).filter(has_text=name).first, path).to_be_visible()
            if path == "/cases":
                expect(page.locator("#community option").filter(has_text=of_community)).to_have_count(1)
            if path not in ("/solved", "/wall"):  # the one is for everybody, the other draws its own
                expect(page.locator(".mode-banner")).to_contain_text(of_street)


def test_names_that_turn_what_follows_are_read_as_they_are_stored(desk: Desk, address: str, browser: Browser):
    reader = reader_of(desk, address, street="\u202e东街", community="\u202e一社区")
    with sign_in_browser(desk.store, browser, reader, locale="zh-CN") as context:
        page = context.new_page()
        for path, (there, above) in PLACES.items():
            page.goto(address + path.format(community=desk.place.community_id, street=STREET))
            for place, name in ((there, "\\u202e一社区"), (above, "\\u202e东街")):
                if place:
                    expect(page.locator(place).filter(has_text=name).first, path).to_be_visible()
            assert "\u202e" not in page.content(), path
