"""The planner page under the hand: frames, script and totals during brush strokes, as a table.

    python -m tests.bench.planner_table [--side 71]

A community of side x side units in grids of 25, in headless Chromium without a graphics card, on the machine
that serves it. The brush moves 60 times a second; script is the time from a pointer event to its end, drawing
that of the callbacks of a frame, both measured in the page.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api import security
from api.cluster import Cluster
from api.database import Store
from api.dependencies import SESSION_COOKIE
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.processes import _SERVE, free_port, process, wait_until
from tests.api.test_planner import _answers
from tests.api.town import build_town
from tests.maps.chromium import QUIET

MEASURE = """
() => {
  window.frames = []; window.scripts = [];
  let last = performance.now();
  const ask = window.requestAnimationFrame.bind(window);
  const frame = (now) => { window.frames.push(now - last); last = now; ask(frame); };
  ask(frame);
  const stage = document.querySelector('.leaflet-container');
  const begin = () => { window.began = performance.now(); };
  stage.addEventListener('pointermove', begin, true);
  document.addEventListener('pointermove', () => window.scripts.push(performance.now() - window.began));
  // What a frame draws: the callbacks that strokes ask for.
  window.paints = [];
  window.requestAnimationFrame = (callback) => ask((now) => {
    const at = performance.now(); callback(now); window.paints.push(performance.now() - at);
  });
}
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=71, help="units along a side of the community")
    side = parser.parse_args().side
    with tempfile.TemporaryDirectory(prefix="weige-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Cluster(folder).held() as cluster:
            store = Store(cluster.url)
            store.migrate()
            build_town(store, shape=(1, 1), community=(side, side), grid=(5, 5))
            _measure(store, folder)
            store.close()


def _measure(store: Store, folder: Path) -> None:
    add_person(store, "planner", ("planner", root_id(store)), password=True)
    key = security.sign_in(store, "planner", PASSWORD, "127.0.0.1")
    with store.owner.connect() as owner:
        version = owner.execute(text("SELECT id, community_id FROM versions LIMIT 1")).one()
    port = free_port()
    with process(_SERVE, store.url, str(folder), str(port)), sync_playwright() as playwright:
        wait_until(lambda: _answers(port), what="the worker")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}])
        page = context.new_page()
        address = f"http://127.0.0.1:{port}/plan/{version.community_id}"
        page.goto(address)
        page.evaluate("() => window.weige.ready")
        page.locator('[data-step="fork"]').click()
        page.wait_for_url("**?version=*")
        opened = []
        for _ in range(5):
            began = time.perf_counter()
            page.reload()
            page.evaluate("() => window.weige.ready")
            opened.append(time.perf_counter() - began)
        page.evaluate(MEASURE)
        counted = page.evaluate("() => Object.keys(window.weige.planner.totals()).length")
        page.keyboard.press("b")
        page.locator(".board tbody th button").nth(counted // 2).click()
        page.locator('.board input[type="range"]').fill("20")
        page.evaluate("() => { frames.length = scripts.length = paints.length = 0; }")
        right = True
        for stroke in range(5):
            page.mouse.move(700, 250 + 60 * stroke)
            page.mouse.down()
            for at in range(60):
                page.mouse.move(700 + 6 * at, 250 + 60 * stroke + 20 * (at % 3))
                time.sleep(1 / 60)
            page.mouse.up()
            right = right and page.evaluate("() => window.weige.planner.isCounted()")
        frames, scripts, paints = (page.evaluate(f"() => {what}") for what in ("frames", "scripts", "paints"))
        print(f"| grids | {counted} | |")
        print(f"| opens, median of 5 | {statistics.median(opened):.2f} s | limit 2 |")
        for what, values, limit in (
            ("frame interval, median", statistics.median(frames), 17),
            ("frame interval, p99", statistics.quantiles(frames, n=100)[98], 50),
            ("script of a move, median", statistics.median(scripts), None),
            ("drawing of a frame, median", statistics.median(paints) if paints else 0, None),
            ("script and drawing, median", statistics.median(scripts) + statistics.median(paints or [0]), 8),
        ):
            print(f"| {what} | {values:.1f} ms | {'' if limit is None else f'limit {limit}'} |")
        print(f"| totals right after each stroke | {right} | |")
        browser.close()


if __name__ == "__main__":
    main()
