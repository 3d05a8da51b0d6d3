"""The pages about a plan as people at browsers use them; conftest gives its fixtures to all tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import text

from api import security
from api.database import Store
from api.dependencies import SESSION_COOKIE, key_hash
from api.main import create_app
from api.settings import Settings
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.place import Place, draw_community
from tests.api.processes import api_thread, wait_until
from tests.api.test_jobs import worker_thread

COMMUNITY = "320924001001"
# Three grids of two columns: 95, 108 and 88 households.
HOUSEHOLDS = [[12, 20, 18, 10, 25, 9], [30, 10, 20, 22, 14, 16], [8, 15, 17, 21, 11, 13]]
FIRST, SECOND, THIRD = (f"{COMMUNITY}{number:03}" for number in (1, 2, 3))
VIEW = {"width": 1366, "height": 768}


@pytest.fixture
def place(store: Store) -> Place:
    """A draft of three grids; modules that need another draw it under the same name."""
    return draw_community(store, COMMUNITY, HOUSEHOLDS)


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[str]:
    """Address of the service over the test's own store."""
    with api_thread(create_app(Settings(data_dir=tmp_path), store.url)) as address:
        yield address


@pytest.fixture
def worker(store: Store, tmp_path: Path) -> Iterator[None]:
    """A worker beside the service: it does what takes its time."""
    with worker_thread(store, tmp_path):
        yield


@pytest.fixture
def signed_in(store: Store, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody who may redraw and publish everything."""
    everywhere = root_id(store)
    with browser_of(store, browser, "planner", ("planner", everywhere), ("admin", everywhere)) as context:
        yield context


@pytest.fixture
def desk(signed_in: BrowserContext, served: str, place: Place) -> Desk:
    """The draft of the place, open to be redrawn."""
    return Desk(signed_in, served, place)


@contextmanager
def sign_in_browser(
    store: Store, browser: Browser, user: int, locale: str = "zh-CN", **options: Any
) -> Iterator[BrowserContext]:
    """A browser at which an account is signed in that may have no password."""
    key = secrets.token_urlsafe(16)
    with store.owner.begin() as owner:
        owner.execute(
            text("""INSERT INTO keys (token_sha256, user_id, kind, csrf_token, expires_at)
                    VALUES (:hash, :user, 'session', :csrf, now() + interval '1 day')"""),
            {"hash": key_hash(key), "user": user, "csrf": secrets.token_urlsafe(16)},
        )
    context = browser.new_context(locale=locale, **{"viewport": VIEW, **options})
    context.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
    yield context
    context.close()


@contextmanager
def browser_of(
    store: Store, browser: Browser, name: str, *grants: tuple[str, int], locale: str = "zh-CN"
) -> Iterator[BrowserContext]:
    """Add a person with grants, who is signed in at a browser that shares nothing with others."""
    add_person(store, name, *grants, password=True)
    key = security.sign_in(store, name, PASSWORD, "127.0.0.1")
    context = browser.new_context(viewport=VIEW, locale=locale)
    context.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
    yield context
    context.close()


def end_sessions(store: Store) -> None:
    """Forget every session, as if its time were up while people sit at their pages."""
    with store.owner.begin() as owner:
        owner.execute(text("DELETE FROM keys WHERE kind = 'session'"))


def sign_in_by_link(page: Page, beside: str, name: str) -> None:
    """Follow the link to the login that the page shows in `beside`, and sign in there with the password."""
    page.locator(beside).get_by_role("link", name="登录").click()
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()


class Desk:
    """A page on which somebody redraws a version, and what went wrong on it."""

    def __init__(
        self, context: BrowserContext, service: str, place: Place, version: str | None = None
    ) -> None:
        self.page: Page = context.new_page()
        self.faults = faults_of(self.page)
        asked = f"?version={version}" if version else ""
        self.address = f"{service}/plan/{place.community_id}{asked}"
        self.open()

    def open(self) -> None:
        self.page.goto(self.address)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_load_state()
        self.page.evaluate("() => window.weige.ready")

    def ask(self, what: str, *values: Any) -> Any:
        """Ask the page, once its panel shows what was done."""
        planner = "window.weige.planner"
        script = f"(values) => {planner}.rested().then(() => {planner}.{what}(...values))"
        return self.page.evaluate(script, list(values))

    def totals(self) -> dict[str, int]:
        assert self.ask("isCounted")
        return self.ask("totals")

    def saved(self) -> None:
        wait_until(lambda: self.ask("keeping") == "saved", what="the page has saved")

    def settled(self) -> None:
        """Wait as `saved`, of a page that may open itself anew because another saved meanwhile."""
        script = "() => window.weige.ready.then(() => window.weige.planner.keeping())"
        wait_until(lambda: unless_leaving(self.page, script) == "saved", what="the page has saved")

    def choose(self, code: str) -> None:
        self.page.locator(".board tbody th button").filter(has_text=code).click()

    def paint(self, code: str, *unit_ids: str, let_go: bool = True) -> None:
        """Paint along units, in one stroke."""
        self.page.keyboard.press("b")
        self.choose(code)
        self.drag([self.ask("screenOf", unit_id) for unit_id in unit_ids], let_go=let_go)

    def drag(self, way: list[tuple[float, float]], *, let_go: bool = True) -> None:
        self.page.mouse.move(*way[0])
        self.page.mouse.down()
        for x, y in way[1:]:
            self.page.mouse.move(x, y, steps=8)
        if let_go:
            self.page.mouse.up()

    def proposed(self) -> dict[str, tuple[int, int]]:
        """Households before and after, of each grid that a proposal would change."""
        self.page.wait_for_selector(".proposal tbody")
        rows = [
            row.locator("th, td").all_inner_texts() for row in self.page.locator(".proposal tbody tr").all()
        ]
        return {code: (int(before), int(after)) for code, before, after, _ in rows}

    def take_proposal(self) -> None:
        self.page.locator(".proposal .take").click()
        self.saved()


def unless_leaving(page: Page, script: str) -> Any:
    """What a script of the page answers; None where the page is on its way to be opened anew."""
    try:
        return page.evaluate(script)
    except PlaywrightError as error:
        if "context was destroyed" in str(error) or "navigation" in str(error):
            return None
        raise


def faults_of(page: Page) -> list[str]:
    """Errors of the page and its console from now on."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    return faults


def edited_copy(page: Page, version: str, edit: dict[str, Any]) -> str:
    """Fork a version by the page's own session and edit the draft."""
    return page.evaluate(
        """async ([version, edit]) => {
          const token = document.querySelector("meta[name=csrf-token]").content;
          const headers = {"Content-Type": "application/json", "X-CSRF-Token": token, "If-Match": "*"};
          const post = (path, body) => fetch(`/api/v1/versions/${path}`,
            {method: "POST", headers, body: body && JSON.stringify(body)});
          const made = (await (await post(`${version}/fork`)).json()).id;
          const said = await post(`${made}/edits`, edit);
          if (!said.ok) throw new Error(await said.text());
          return made;
        }""",
        [version, edit],
    )


def clash_over(desk: Desk, version: str, unit: str, mine: str, theirs: str) -> None:
    """Have a unit painted into one grid and meanwhile saved into another, until the page asks whose holds."""
    page = desk.page
    page.context.route("**/edits", lambda route: route.abort())
    desk.paint(mine, unit)
    wait_until(lambda: desk.ask("keeping") == "away", what="the page notices")
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    said = page.context.request.post(
        f"{desk.address.split('/plan/')[0]}/api/v1/versions/{version}/edits",
        data={"action": "paint", "moves": [{"unit_ids": [unit], "to": theirs}]},
        headers={"X-CSRF-Token": str(token), "If-Match": "*"},
    )
    assert said.status == 201, said.text()
    page.context.unroute("**/edits")
    page.wait_for_selector("dialog.clash[open]")


def stored(store: Store, place: Place) -> dict[str, int]:
    """Households of each grid of the draft, counted from its units."""
    totals: dict[str, int] = {}
    for code, households in _stored_units(store, place.version_id).values():
        totals[code] = totals.get(code, 0) + households
    return totals


def grids_of(store: Store, version: UUID | str) -> dict[str, str]:
    """Code of the grid that the service holds each unit of a version in."""
    return {unit: code for unit, (code, _) in _stored_units(store, version).items()}


def _stored_units(store: Store, version: UUID | str) -> dict[str, tuple[str, int]]:
    with store.owner.connect() as owner:
        rows = owner.execute(
            text("""SELECT u.unit_id, g.code, u.households FROM assignments a
                    JOIN grids g ON g.version_id = a.version_id AND g.number = a.grid_number
                    JOIN units u ON u.ground_id = a.ground_id AND u.number = a.unit_number
                    WHERE a.version_id = :version"""),
            {"version": version},
        )
        return {row.unit_id: (row.code, row.households) for row in rows}
