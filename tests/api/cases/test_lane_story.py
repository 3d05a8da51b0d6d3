"""The weekly list of 砚池社区, end to end in a browser: two items are located by address, one to a street.

The lane steward reports a broken drain cover at 秦东门大街68号楼 and sandbags for shops on 西门路; both are
on the printed list of the week, the first at its building, the second along its street and at no point.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from api.database import Store
from tests.api.accounts import add_person
from tests.api.cases.test_sheyang_story import Story, address, city, plan_file  # noqa: F401
from tests.api.planner_page import sign_in_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# As it stands in the list: the address is found in the sentence.
COVER = ("秦东门大街68号楼下水道盖板破损", "井盖松动，行人易绊倒", "E0404")
SANDBAGS = ("西门路", "沿街商铺需要防汛沙袋", "X9001")


def hand_in(page: Page, item: tuple[str, str, str], choose: str) -> None:
    where, what, category = item
    page.fill("#address", where)
    page.locator("#address").press("Tab")
    page.locator("#places button", has_text=choose).first.click()
    page.select_option("#category", category)
    page.fill("#text", what)
    page.get_by_role("button", name="上报", exact=True).click()
    expect(page.locator("#said")).to_contain_text("已上报")


def test_the_list_of_a_lane_is_reported_by_address_and_printed(city: Store, address: str, browser: Browser):  # noqa: F811
    with city.owner.connect() as owner:
        # The lane lies in two streets.
        county = owner.execute(text("SELECT id FROM divisions WHERE level = 'county'")).scalar_one()
    user, _ = add_person(city, "steward", ("dispatcher", county), ("inspector", county))
    with sign_in_browser(city, browser, user) as steward:
        story = Story(address, {"steward": steward})
        page = story.opened("steward", "/report")
        hand_in(page, COVER, "楼栋")
        page.fill("#address", SANDBAGS[0])
        page.locator("#address").press("Tab")
        expect(page.locator("#places")).to_contain_text("不定到一点")
        hand_in(page, SANDBAGS, "道路")

        page = story.opened("steward", "/cases")
        expect(page.locator("#rows")).to_contain_text(COVER[1])
        expect(page.locator("#rows")).to_contain_text(SANDBAGS[1])
        listed = steward.new_page()
        listed.goto(f"{address}/indicators/lane")
        for where, what, _ in (COVER, SANDBAGS):
            expect(listed.locator("main")).to_contain_text(where)
            expect(listed.locator("main")).to_contain_text(what)
    assert story.faults == [[], []]
    with city.owner.connect() as owner:
        cover, bags = owner.execute(
            text("SELECT c.*, EXISTS (SELECT FROM units u WHERE ST_Intersects(u.geom, c.geom)"
                 " AND u.address LIKE '秦东门大街68号楼%') AS is_there FROM cases c ORDER BY id")
        ).mappings().all()  # fmt: skip
    assert (cover["place"], cover["is_there"], cover["grid"] is not None) == ("point", True, True)
    assert (bags["place"], bags["geom"], bags["grid"], bags["address"]) == ("area", None, None, "西门路")
