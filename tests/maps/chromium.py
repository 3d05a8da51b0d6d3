"""Pages opened from their files in headless Chromium with the network off."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# Chromium would look for updates and names by itself.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Opened:
    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def labels(self) -> list[dict]:
        return self.page.evaluate("window.weige.labels()")

    def texts(self, kind: str) -> set[str]:
        return {label["text"] for label in self.labels() if label["kind"] == kind}

    def settle(self) -> None:
        self.page.wait_for_timeout(500)


Open = Callable[..., Opened]


def installed_chromium() -> str | None:
    """Path of the machine's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = installed_chromium()
    if chromium is None:
        pytest.fail("Chromium is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    contexts = []
    opened: list[Opened] = []

    def go(path: Path, width: int = 1366, height: int = 768, *, has_touch: bool = False) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=has_touch)
        context.set_offline(True)
        contexts.append(context)
        page = context.new_page()
        each = Opened(page)
        opened.append(each)
        page.on("request", lambda request: each.requests.append(request.url))
        page.on("console", lambda message: each.messages.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: each.messages.append(f"page error: {error}"))
        page.goto(path.as_uri())
        page.evaluate("window.weige.ready")
        each.settle()
        return each

    yield go
    for each in opened:
        outside = [url for url in each.requests if not url.startswith(("file:", "data:", "blob:"))]
        files = [url for url in each.requests if url.startswith("file:")]
        assert outside == []
        assert len(files) == 1
        assert each.messages == []
    for context in contexts:
        context.close()
