"""Report, list and case for all who use them: axe-core finds nothing serious at any width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from api.cases.contacts import write_new_key
from api.main import create_app
from api.settings import Settings
from tests.accessibility import Findings, require_fitting
from tests.api.cases.desk import IN_FIRST, ON_BORDER, Desk
from tests.api.cases.test_photos import with_metadata
from tests.api.planner_page import sign_in_browser
from tests.api.processes import api_thread

# One worker installs what npm holds.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("npm")]


@pytest.fixture
def address(desk: Desk, tmp_path: Path) -> Iterator[str]:
    write_new_key(tmp_path / "key")
    settings = Settings(data_dir=tmp_path / "data", contact_key_file=tmp_path / "key")
    with api_thread(create_app(settings, desk.store.url)) as running:
        yield running


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_axe_finds_nothing_serious_on_the_pages_of_cases(
    desk: Desk, address: str, browser: Browser, findings: Findings, width: int, locale: str
):
    number = desk.report(category="E0402", lon=ON_BORDER[0], lat=ON_BORDER[1])["number"]
    desk.report(category="E0402", lon=IN_FIRST[0], lat=IN_FIRST[1])
    options = {"viewport": {"width": width, "height": 800}, "has_touch": width < 500}
    with sign_in_browser(desk.store, browser, desk.ids["both"], locale=locale, **options) as context:
        page = context.new_page()

        def look(path: str) -> None:
            page.goto(f"{address}{path}")
            page.evaluate("() => window.weigeCases.ready")
            findings.look(page, path)
            require_fitting(page, path)

        look(f"/report?lon={IN_FIRST[0]}&lat={IN_FIRST[1]}&category=E0402")
        page.set_input_files("#photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": with_metadata()})
        expect(page.locator("#photos img")).to_have_count(1)
        expect(page.locator("#nearby li")).not_to_have_count(0)
        findings.look(page, "a report filled in")
        page.locator(".send button[type=submit]").click()
        expect(page.locator("#said a")).to_have_count(1)
        findings.look(page, "a report sent")
        look("/cases?view=all")
        look(f"/cases/{number}")
        for step in page.locator("[data-step]").all():
            step.click()
            findings.look(page, f"step {step.get_attribute('data-step')}")
    assert findings.rules > 150
    assert findings.found == []
