"""What axe-core says of a page; conftest gives the fixture to the tests of pages."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Page

from tests.maps.test_web import hook  # noqa: F401

WEB = Path(__file__).parents[1] / "maps" / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def findings(hook: ModuleType) -> Findings:  # noqa: F811
    """Nothing found yet. What npm holds is installed by one worker: tests with it are of the group `npm`."""
    hook.install(WEB, with_tools=True)
    return Findings()


class Findings:
    """What axe-core finds serious or critical, by the state of the page in which it did."""

    def __init__(self) -> None:
        # The policy of the page allows no eval: what is evaluated is a function.
        self._load = f"() => {{ {AXE.read_text(encoding='utf-8')} }}"
        self.found: list[str] = []
        self.rules = 0

    def look(self, page: Page, state: str) -> None:
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(self._load)
        answer = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        self.rules += len(answer["passes"])
        self.found += [
            f"{state}: {each['id']}: {' '.join(node['target'])}: {node['failureSummary']}"
            for each in answer["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]


def require_fitting(page: Page, state: str) -> None:
    """Nothing is wider than the page, and on a phone everything that is pressed is as high as a finger."""
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0, state
    if page.viewport_size is not None and page.viewport_size["width"] < 500:
        pressed = "main button, main select, main input:not(.away, [type=radio]), main textarea"
        low = page.evaluate(
            """(pressed) => Array.from(document.querySelectorAll(pressed))
              .map((each) => [each.getBoundingClientRect().height, each.outerHTML.slice(0, 80)])
              .filter(([height]) => height > 0 && height < 44)""",
            pressed,
        )
        assert low == [], state
