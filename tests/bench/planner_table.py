"""The planner page under the hand: frames, script and totals during strokes, as a table.

    python -m tests.bench.planner_table [--case city|stress] [--gesture brush|border] [--profile FILE]

A community of 5,000 units in 200 grids, or of 20,000 in 400, in headless Chromium without a graphics card, on
the machine that serves it; every grid is out of band, which is the most there is to draw and to list. The
pointer moves 60 times a second. Work of a frame is what Chromium's trace says of the page's main thread:
scripts, styles, layout, painting and handing the picture over. The interval of frames includes the end of
each stroke and what is done after it; that of the page at rest, in the same run, is the machine's own floor.
At the end some grids are mended, each timed from the click to the frame that shows the preview; the preview
is taken, and what it showed is compared with what then is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from playwright.async_api import Page, async_playwright
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api import security
from api.database import Store
from api.dependencies import SESSION_COOKIE
from tests.api.accounts import PASSWORD, add_person, root_id
from tests.api.processes import api_worker
from tests.api.town import build_town
from tests.bench.fresh_store import fresh_store
from tests.maps.chromium import QUIET, installed_chromium


@dataclass(frozen=True)
class Case:
    """Units along x and y, and those of a grid."""

    community: tuple[int, int]
    grid: tuple[int, int]


@dataclass(frozen=True)
class Stroke:
    """What was seen of one stroke and its end; intervals of frames in milliseconds."""

    moves_a_second: float
    is_counted: bool
    intervals: list[float]


Gesture: TypeAlias = Callable[[Page], AsyncIterator[tuple[float, float]]]

CASES = {"city": Case((100, 50), (5, 5)), "stress": Case((200, 100), (10, 5))}
VIEW = {"width": 1366, "height": 768}
STROKES = 6
EVENTS = 60
EVENT_S = 1 / 60
# What follows a stroke is done after so long: saving, and what is drawn late.
SETTLES_MS = 700

# What of a trace is work for a frame; where one lies within another, the outer one counts.
WORK = frozenset(
    [
        *("FunctionCall", "EvaluateScript", "EventDispatch", "FireAnimationFrame", "TimerFire"),
        *("FireIdleCallback", "RunMicrotasks", "UpdateLayoutTree", "Layout", "HitTest", "PrePaint", "Paint"),
        *("Layerize", "Commit", "RasterTask", "MinorGC", "MajorGC"),
    ]
)
TRACED = (
    "devtools.timeline",
    "disabled-by-default-devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
)

FRAMES = """
() => {
  window.frames = [];
  let last = performance.now();
  const frame = (now) => { window.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  window.pointerMoves = 0;
  document.addEventListener('pointermove', () => { window.pointerMoves++; });
}
"""


MENDINGS = 5
# Seconds from the click to the frame that has the preview; what the page says where there is none.
MEND = """
() => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(document.querySelector('.board .hint').textContent)), 30000);
  const proposal = document.querySelector('.proposal');
  const began = performance.now();
  const seen = new MutationObserver(() => {
    if (!proposal.querySelector('tbody')) return;
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve((performance.now() - began) / 1000)));
  });
  seen.observe(proposal, {childList: true});
  document.querySelector('.chosen .mend').click();
})
"""
# Households after, of each grid of the preview.
SHOWN = """
() => [...document.querySelectorAll('.proposal tbody tr')].map((row) => Number(row.cells[2].textContent))
"""
STATE = "() => ({...window.weige.planner.state(), totals: window.weige.planner.totals()})"


@dataclass(frozen=True)
class Mending:
    """How long the preview took, and whether it held."""

    preview_s: float
    is_near: bool
    is_as_shown: bool


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, default="city")
    parser.add_argument("--gesture", choices=GESTURES, default="brush")
    parser.add_argument(
        "--profile", type=Path, help="write where scripts spent their time during the strokes"
    )
    asked = parser.parse_args()
    case = CASES[asked.case]
    with fresh_store() as fresh:
        build_town(fresh.store, shape=(1, 1), community=case.community, grid=case.grid)
        asyncio.run(_measure(fresh.store, fresh.folder, case, GESTURES[asked.gesture], asked.profile))


async def _measure(store: Store, folder: Path, case: Case, gesture: Gesture, profile: Path | None) -> None:
    add_person(store, "planner", ("planner", root_id(store)), password=True)
    key = security.sign_in(store, "planner", PASSWORD, "127.0.0.1")
    with store.owner.connect() as owner:
        version = owner.execute(text("SELECT id, community_id FROM versions LIMIT 1")).one()
    with api_worker(store.url, folder) as (service, _):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=installed_chromium(), args=QUIET)
            context = await browser.new_context(viewport=VIEW)
            await context.add_cookies(
                [{"name": SESSION_COOKIE, "value": key, "domain": "127.0.0.1", "path": "/"}]
            )
            page = await context.new_page()
            address = f"{service}/plan/{version.community_id}"
            first_s = await _opened_s(page, page.goto(address))
            await page.locator('[data-step="fork"]').click()
            await page.wait_for_url("**?version=*")
            opened_s = [await _opened_s(page, page.reload()) for _ in range(5)]
            await page.evaluate(FRAMES)
            await page.wait_for_timeout(3000)
            idle = await _intervals(page)
            session = await context.new_cdp_session(page)
            if profile:
                await session.send("Profiler.enable")
                await session.send("Profiler.start")
            await browser.start_tracing(page=page, categories=list(TRACED))
            strokes = [stroke async for stroke in _strokes(page, gesture)]
            trace = json.loads(await browser.stop_tracing())
            if profile:
                profile.write_text(json.dumps((await session.send("Profiler.stop"))["profile"]), "utf-8")
            edits = await page.locator(".board .past li").count()
            mendings = [mending async for mending in _mendings(page, _pairs(store))]
            await browser.close()
    work = _work_of_frames(trace["traceEvents"])
    intervals = [interval for stroke in strokes for interval in stroke.intervals]
    units = case.community[0] * case.community[1]
    grids = units // (case.grid[0] * case.grid[1])
    rows: list[tuple[str, str, str]] = [
        ("units, grids", f"{units:,}, {grids}", f"load {os.getloadavg()[0]:.1f}"),
        ("opens the first time", f"{first_s:.2f} s", ""),
        ("opens, median of 5", f"{statistics.median(opened_s):.2f} s", "limit 2"),
        ("strokes, edits", f"{len(strokes)}, {edits}", ""),
        (
            "events a second",
            f"{statistics.median(stroke.moves_a_second for stroke in strokes):.0f}",
            "60 sent",
        ),
        *_figures("work of a frame", work, median_limit=8),
        *_figures("frame interval", intervals, median_limit=17, p99_limit=50),
        *_figures("frame interval at rest", idle),
        ("totals right after each stroke", str(all(stroke.is_counted for stroke in strokes)), ""),
        (
            f"mend around here, median of {len(mendings)}",
            f"{statistics.median(each.preview_s for each in mendings):.2f} s",
            "limit 1",
        ),
        ("mend around here, longest", f"{max(each.preview_s for each in mendings):.2f} s", ""),
        ("mending changes its neighbourhood alone", str(all(each.is_near for each in mendings)), ""),
        ("mending gives what it showed", str(all(each.is_as_shown for each in mendings)), ""),
        ("load at the end", f"{os.getloadavg()[0]:.1f}", ""),
    ]
    for row in rows:
        print(f"| {' | '.join(row)} |")


async def _opened_s(page: Page, way: Awaitable[object]) -> float:
    began = time.perf_counter()
    await way
    await page.evaluate("() => window.weige.ready")
    return time.perf_counter() - began


async def _brush(page: Page) -> AsyncIterator[tuple[float, float]]:
    """Paint into a grid in the middle of the list, with a brush of 20 pixels."""
    await page.keyboard.press("b")
    rows = page.locator(".board tbody th button")
    await rows.nth(await rows.count() // 2).click()
    await page.locator(".board .size input").fill("20")
    for stroke in range(STROKES):
        yield 700.0, 200.0 + 60 * stroke


async def _border(page: Page) -> AsyncIterator[tuple[float, float]]:
    """Take a border that runs down the map, sought to the east of a place."""
    await page.keyboard.press("d")
    stage = page.locator("#stage .leaflet-container")
    for stroke in range(STROKES):
        y = 190.0 + 60 * stroke
        for x in range(640, 900):
            await page.mouse.move(x, y)
            if await stage.get_attribute("data-holds") == "border":
                yield float(x), y
                break
        else:
            raise SystemExit(f"no border was found at {y:.0f} pixels from the top")


# What the hand does before each stroke; yields where it is put down.
GESTURES: Mapping[str, Gesture] = {"brush": _brush, "border": _border}


async def _strokes(page: Page, gesture: Gesture) -> AsyncIterator[Stroke]:
    """Move the pointer 60 times a second from the places of a gesture, without waiting for the page."""
    async for x, y in gesture(page):
        await page.mouse.move(x, y)
        await page.mouse.down()
        await _intervals(page)
        moved = await page.evaluate("() => window.pointerMoves")
        start = time.perf_counter()
        sent = []
        for event in range(EVENTS):
            await asyncio.sleep(max(0.0, start + event * EVENT_S - time.perf_counter()))
            sent.append(asyncio.create_task(page.mouse.move(x + 6 * event, y + 20 * (event % 3))))
        await asyncio.gather(*sent)
        moves = await page.evaluate("() => window.pointerMoves") - moved
        rate = moves / (time.perf_counter() - start)
        await page.mouse.up()
        is_counted = await page.evaluate("() => window.weige.planner.isCounted()")
        await page.wait_for_timeout(SETTLES_MS)
        yield Stroke(rate, is_counted, await _intervals(page))


async def _mendings(page: Page, pairs: list[tuple[int, int]]) -> AsyncIterator[Mending]:
    """Mend grids all over the list, one by one: look, take, and undo."""
    rows = page.locator(".board tbody th button")
    grids = await rows.count()
    for mending in range(MENDINGS):
        row = rows.nth((2 * mending + 1) * grids // (2 * MENDINGS))
        code = await row.inner_text()
        await row.click()
        while await page.evaluate("() => window.weige.planner.keeping()") != "saved":
            await asyncio.sleep(0.1)
        before = await page.evaluate(STATE)
        preview_s = await page.evaluate(MEND)
        shown = await page.evaluate(SHOWN)
        await page.locator(".proposal .take").click()
        after = await page.evaluate(STATE)
        await page.keyboard.press("Control+z")
        await page.wait_for_timeout(SETTLES_MS)

        (mended,) = (number for number, facts in enumerate(before["facts"]) if facts["code"] == code)
        was, now = before["grid"], after["grid"]
        near = {mended} | {was[b] for a, b in pairs if was[a] == mended}
        moved = [unit for unit in range(len(was)) if was[unit] != now[unit]]
        is_near = all(was[i] in near and (now[i] in near or now[i] >= len(before["facts"])) for i in moved)
        changed = {grid for i in moved for grid in (was[i], now[i])}
        totals = [after["totals"].get(after["facts"][grid]["code"], 0) for grid in changed]
        yield Mending(preview_s, bool(moved) and is_near, sorted(totals) == sorted(shown))


def _pairs(store: Store) -> list[tuple[int, int]]:
    """Return the pairs of neighbouring units, both ways round."""
    with store.owner.connect() as owner:
        left, right = owner.execute(text("SELECT pair_left, pair_right FROM grounds")).one()
    return [*zip(left, right, strict=True), *zip(right, left, strict=True)]


async def _intervals(page: Page) -> list[float]:
    """Return the intervals of frames in milliseconds since they were last asked for."""
    intervals: list[float] = await page.evaluate("() => window.frames.splice(0)")
    return intervals


def _work_of_frames(events: list[dict[str, Any]]) -> list[float]:
    """Return the milliseconds of work on the page's main thread for each frame of a stroke.

    That is one in which the pointer moved between its going down and up: while a border is sought, what asks
    the page whether it is found works there too.

    Time of the processor, not of the clock: what others do on the machine meanwhile is none of the page's.
    """
    threads: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for event in events:
        threads.setdefault((event["pid"], event["tid"]), []).append(event)
    begun = {
        thread: sorted(event["ts"] for event in of if event["name"] == "BeginMainThreadFrame")
        for thread, of in threads.items()
    }
    main = max(begun, key=lambda thread: len(begun[thread]))
    frames = begun[main]
    work_us = [0.0] * (len(frames) + 1)
    moved: set[int] = set()
    is_down = False
    counted_to = 0.0
    for span in sorted(
        (event for event in threads[main] if event["ph"] == "X"), key=lambda event: event["ts"]
    ):
        if span["name"] not in WORK:
            continue
        frame = bisect_right(frames, span["ts"])
        kind = span["args"]["data"]["type"] if span["name"] == "EventDispatch" else ""
        is_down = kind == "pointerdown" or (is_down and kind != "pointerup")
        if kind == "pointermove" and is_down:
            moved.add(frame)
        if span["ts"] < counted_to:
            continue
        work_us[frame] += span.get("tdur", 0)
        counted_to = span["ts"] + span.get("dur", 0)
    return [work_us[frame] / 1000 for frame in sorted(moved)]


def _figures(
    what: str, values: list[float], *, median_limit: int | None = None, p99_limit: int | None = None
) -> list[tuple[str, str, str]]:
    p99 = statistics.quantiles(values, n=100)[98]
    return [
        (
            f"{what}, median",
            f"{statistics.median(values):.1f} ms",
            f"limit {median_limit}" * (median_limit is not None),
        ),
        (f"{what}, p99", f"{p99:.1f} ms", f"limit {p99_limit}" * (p99_limit is not None)),
        (f"{what}, longest", f"{max(values):.1f} ms", ""),
    ]


if __name__ == "__main__":
    main()
