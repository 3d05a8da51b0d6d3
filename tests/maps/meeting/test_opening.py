"""The file for a meeting as it opens: in old browsers, and in the eyes of axe-core."""

from __future__ import annotations

import pytest

from tests.accessibility import Findings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Chromium 78 and 79 do not inflate by themselves, and know no replaceChildren.
OLD = "delete window.DecompressionStream; delete Element.prototype.replaceChildren;"


def test_the_oldest_browser_shows_the_map(browser, meeting):
    context = browser.new_context()
    context.add_init_script(OLD)
    page = context.new_page()
    page.goto(meeting.as_uri())
    page.evaluate("window.weige.ready")

    assert page.evaluate("window.weige.labels().length") > 5
    assert not page.is_visible("#weige-too-old")
    context.close()


def test_a_browser_that_cannot_read_the_program_says_which_one_can(browser, meeting, tmp_path):
    page_text = meeting.read_text(encoding="utf-8")
    broken = tmp_path / "old.html"
    # What a browser does that stumbles over new syntax: it runs nothing of that script.
    at = page_text.rindex("<script>", 0, page_text.index('"weige-runs"')) + len("<script>")
    broken.write_text(page_text[:at] + "let let = ;" + page_text[at:], encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(broken.as_uri())

    assert "浏览器版本过低" in page.inner_text("#weige-too-old")
    box = page.locator("#weige-too-old").bounding_box()
    assert 0 <= box["y"] < 700
    context.close()


@pytest.mark.parametrize("side", [None, "table", "charts", "agenda"])
def test_axe_finds_nothing_serious(browser, meeting, side):
    context = browser.new_context(viewport={"width": 1366, "height": 768}, bypass_csp=True)
    page = context.new_page()
    page.goto(meeting.as_uri())
    page.evaluate("window.weige.ready")
    page.click("[data-act=time]")
    if side:
        page.click(f"[data-act={side}]")
    if side == "agenda":
        page.click("text=新增议题")
    page.fill("#search", "建华园")
    findings = Findings()
    findings.look(page, side or "time")

    assert findings.rules > 10
    assert findings.found == []
    context.close()
