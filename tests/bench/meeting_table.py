"""The file for a meeting beside a plain folium map of the same data: size, building, opening, frames.

    python tests/bench/meeting_table.py [--cities S L] [--times 5] [--no-folium]

City S is 1,500 grids, 10,000 units, 1,000 cases and 200 stations, city L 15,000, 100,000, 50,000 and 200,
on a lattice of warped cells. Building is a process of its own: its CPU seconds and its peak of memory.
Opening is from the start of the navigation to the second frame after everything is drawn, in headless
Chromium with the network off, median of `--times`. Folium's page is as one writes it: grids and units as
GeoJson with tooltips and popups, each case and station a Marker with both. What it asks a network for is
given to it from maps/web (Leaflet) or made shorter than it is: of jQuery only the one thing that its popups
need, nothing of Bootstrap and the icon fonts. Frames are told as script and painting of the main thread, and
as intervals.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, Route, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.maps.chromium import QUIET
from tests.maps.sample_plan import incidents, plan_frames, stations, write_plan, write_points

ROOT = Path(__file__).resolve().parents[2]
# Cells from west to east and from south to north, grids likewise, cases.
CITIES = {"S": (125, 80, 50, 30, 1_000), "L": (500, 200, 150, 100, 50_000)}
LEAFLET = ROOT / "maps" / "web" / "node_modules" / "leaflet" / "dist"

OURS = """
import sys
from pathlib import Path
from maps.export import write_map
folder = Path(sys.argv[1])
write_map(folder / "plan.gpkg", folder / "ours.html", incidents=str(folder / "cases.csv"),
          stations=str(folder / "stations.csv"))
"""
FOLIUM = """
import sys
from pathlib import Path
import folium, geopandas as gpd, pandas as pd
folder = Path(sys.argv[1])
grids = gpd.read_file(folder / "plan.gpkg", layer="micro_grids").to_crs(4326)
units = gpd.read_file(folder / "plan.gpkg", layer="units").to_crs(4326)
low = grids.total_bounds
page = folium.Map(location=[(low[1] + low[3]) / 2, (low[0] + low[2]) / 2], zoom_start=14, tiles=None)
for frame, columns in ((grids, ["grid_id", "households", "status"]), (units, ["unit_id", "households"])):
    folium.GeoJson(frame[[*columns, "geometry"]], tooltip=folium.GeoJsonTooltip(columns),
                   popup=folium.GeoJsonPopup(columns)).add_to(page)
for name in ("cases", "stations"):
    for row in pd.read_csv(folder / f"{name}.csv").to_dict("records"):
        told = str(row.get("kind") or row.get("name"))
        folium.Marker([row["lat"], row["lon"]], popup=told, tooltip=told).add_to(page)
page.save(folder / "folium.html")
"""
# The one use that folium's pages make of jQuery.
ELEMENT_OF_HTML = """window.$ = (html) => {
  const made = document.createElement("template");
  made.innerHTML = html;
  return made.content.children;
};"""
# Two frames after everything is drawn.
SETTLED = (
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
)
# Main-thread time of each frame, from its first callback to the first task after painting; and the intervals.
WATCH = """() => {
  const seen = (window.seen = { work: [], at: [], isOn: true });
  const channel = new MessageChannel();
  let began = 0;
  channel.port1.onmessage = () => seen.work.push(performance.now() - began);
  const frame = (at) => {
    if (!seen.isOn) return;
    began = performance.now();
    seen.at.push(at);
    channel.port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
SLIDE = """async () => {
  const slider = document.querySelector(".timeline input");
  for (let round = 0; round < 6; round++) {
    for (let day = 0; day <= Number(slider.max); day++) {
      slider.value = String(day);
      slider.dispatchEvent(new Event("input"));
      await new Promise(requestAnimationFrame);
    }
  }
}"""


def built(code: str, folder: Path) -> tuple[float, int]:
    """Run a builder; return its CPU seconds and its peak of memory in MB."""
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"the builder ended with {status}"
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def opened_page(browser: Browser, path: Path, *, is_ours: bool) -> tuple[Page, float]:
    """Open a file with the network off; return the page and milliseconds until it stands."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.route(re.compile("^https?://"), _local)
    page.goto(path.as_uri(), timeout=600_000)
    if is_ours:
        page.evaluate("window.weige.ready")
    milliseconds = page.evaluate(SETTLED)
    # A page that broke off has not opened.
    assert not faults, faults
    return page, milliseconds


def _local(route: Route) -> None:
    """Answer for the network: Leaflet from maps/web, what popups need of jQuery, nothing else."""
    name = route.request.url.rsplit("/", 1)[-1]
    file = LEAFLET / ("images" if name.endswith(".png") else "") / name
    if file.is_file():
        route.fulfill(path=file)
    else:
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        route.fulfill(body=ELEMENT_OF_HTML if name.startswith("jquery") else "", content_type=kind)


def frames_of(page: Page, act: Any) -> str:
    """Return what the frames cost while something is done, as cells of a table."""
    page.evaluate(WATCH)
    act()
    seen = page.evaluate("(window.seen.isOn = false, window.seen)")
    intervals = np.diff(seen["at"])
    return (
        f"{len(seen['work'])} | {statistics.median(seen['work']):.1f} | {np.percentile(seen['work'], 99):.1f}"
        f" | {np.median(intervals):.1f} | {np.percentile(intervals, 99):.1f}"
    )


def _pan(page: Page) -> None:
    for dx in (400, -400, 300, -300):
        page.mouse.move(1200, 500)
        page.mouse.down()
        page.mouse.move(1200 + dx, 500 + dx // 3, steps=40)
        page.mouse.up()


def _zoom(page: Page) -> None:
    page.mouse.move(1200, 500)
    for turn in (-1, -1, -1, -1, 1, 1, 1, 1):
        page.mouse.wheel(0, turn * 180)
        page.wait_for_timeout(450)


def main() -> None:
    """Build the cities, open the files, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cities", nargs="+", choices=list(CITIES), default=["S"])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--no-folium", action="store_true", help="do not build folium's page of S")
    asked = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(
        "| file | size, MB | build, CPU s | build, MB | opens, ms | each |\n|---|---|---|---|---|---|",
        flush=True,
    )
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(prefix="weige-") as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        frames_table: list[str] = []
        for city in asked.cities:
            folder = Path(temporary) / city
            folder.mkdir()
            _write_city(folder, CITIES[city])
            kinds = [("ours", OURS)]
            # Of city L folium's page never opens.
            if city == "S" and not asked.no_folium:
                kinds.append(("folium", FOLIUM))
            for name, code in kinds:
                cpu, peak = built(code, folder)
                path = folder / f"{name}.html"
                each = []
                for _ in range(asked.times):
                    page, milliseconds = opened_page(browser, path, is_ours=name == "ours")
                    each.append(milliseconds)
                    page.context.close()
                size = path.stat().st_size / 1e6
                told = json.dumps([round(one) for one in each])
                print(
                    f"| {city} {name} | {size:.2f} | {cpu:.1f} | {peak} | {_middle(each)} | {told} |",
                    flush=True,
                )
            page, _ = opened_page(browser, folder / "ours.html", is_ours=True)
            frames_table.append(f"| {city} pan | {frames_of(page, partial(_pan, page))} |")
            frames_table.append(f"| {city} zoom | {frames_of(page, partial(_zoom, page))} |")
            page.click("[data-act=time]")
            frames_table.append(f"| {city} time slider | {frames_of(page, partial(page.evaluate, SLIDE))} |")
            page.context.close()
        browser.close()
    print("\n| frames | n | work median, ms | work p99 | interval, ms | p99 |\n|---|---|---|---|---|---|")
    print("\n".join(frames_table))


def _middle(values: list[float]) -> str:
    return f"{statistics.median(values):.0f}"


def _write_city(folder: Path, size: tuple[int, int, int, int, int]) -> None:
    columns, rows, grid_columns, grid_rows, n_cases = size
    frames = plan_frames(columns, rows, grid_columns=grid_columns, grid_rows=grid_rows)
    write_plan(folder / "plan.gpkg", frames)
    write_points(folder / "cases.csv", incidents(frames, n_cases))
    write_points(folder / "stations.csv", stations(frames, 200))


if __name__ == "__main__":
    main()
