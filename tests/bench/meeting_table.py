"""The file for a meeting beside a plain folium map of the same data: size, building, opening, frames.

    python tests/bench/meeting_table.py [--cities S L] [--times 5] [--no-folium]

City S is 1,500 grids, 10,000 units, 1,000 cases and 200 stations, city L 15,000, 100,000, 50,000 and 200,
on a lattice of warped cells. Building is a process of its own: its CPU seconds, those of loading the
libraries told apart, and its peak of memory with them.
Opening is from the start of the navigation to the second frame after everything is drawn, in headless
Chromium with the network off, median of `--times`. Folium's page is as one writes it: grids and units as
GeoJson with the columns that ours tells in tooltips and popups, grids filled by status, each case and station
a Marker with both, and switches of the layers; nothing of the further layers of ours. What it asks a network
for is given to it from maps/web (Leaflet) or made shorter than it is: of jQuery only the one thing that its
popups need, nothing of Bootstrap and the icon fonts. Frames are told as script and painting of the main
thread, and as intervals.
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

# What both builders end with: what the process took, loading the libraries told apart. The peak that the
# system tells its parent begins with what the parent held.
MEASURED = """
def measured():
    import json
    import resource
    import time
    status = open("/proc/self/status").read()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return json.dumps({"cpu": usage.ru_utime + usage.ru_stime - loaded, "loading": loaded,
                       "peak": int(status.partition("VmHWM:")[2].split()[0]) // 1024})
import time
loaded = time.process_time()
"""
OURS = f"""
import sys
from pathlib import Path
from maps.export import write_map
{MEASURED}
folder = Path(sys.argv[1])
write_map(folder / "plan.gpkg", folder / "ours.html", incidents=str(folder / "cases.csv"),
          stations=str(folder / "stations.csv"))
print(measured())
"""
FOLIUM = f"""
import sys
from pathlib import Path
import folium, geopandas as gpd, pandas as pd, pyogrio  # geopandas loads the last when it reads
{MEASURED}
folder = Path(sys.argv[1])
columns = {{
    "micro_grids": ["grid_id", "community_id", "households", "units", "status", "area_m2"],
    "units": ["unit_id", "households", "building_id", "compound_id", "address", "grid_id"],
    "cases": ["case_id", "kind", "state", "reported_at"],
    "stations": ["station_id", "name", "type", "facilities", "opening_hours"],
}}
fills = {{"too_small": "#7b6fb0", "ok": "#dfe8d2", "too_large": "#dd8452", "exempt": "#c8c8c8"}}
by_status = lambda grid: {{"fillColor": fills[grid["properties"]["status"]], "weight": 1}}
layers = {{
    name: gpd.read_file(folder / "plan.gpkg", layer=name).to_crs(4326) for name in ("micro_grids", "units")
}}
low = layers["micro_grids"].total_bounds
page = folium.Map(location=[(low[1] + low[3]) / 2, (low[0] + low[2]) / 2], zoom_start=15, tiles=None)
for name, frame in layers.items():
    style = {{"style_function": by_status}} if name == "micro_grids" else {{}}
    told = {{"tooltip": folium.GeoJsonTooltip(columns[name]), "popup": folium.GeoJsonPopup(columns[name])}}
    folium.GeoJson(frame[[*columns[name], "geometry"]], name=name, **told, **style).add_to(page)
for name in ("cases", "stations"):
    group = folium.FeatureGroup(name=name).add_to(page)
    for row in pd.read_csv(folder / f"{{name}}.csv").to_dict("records"):
        told = "<br>".join(f"{{column}}: {{row[column]}}" for column in columns[name])
        tip = str(row[columns[name][1]])
        folium.Marker([row["lat"], row["lon"]], popup=told, tooltip=tip).add_to(group)
folium.LayerControl().add_to(page)
page.save(folder / "folium.html")
print(measured())
"""
# The one use that folium's pages make of jQuery.
ELEMENT_OF_HTML = """window.$ = (html) => {
  const made = document.createElement("template");
  made.innerHTML = html;
  return made.content.children;
};"""
# Chromium is busy so long with its own window after one was made; a file is opened in one that stands.
WINDOW_MS = 2_000
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


def built(code: str, folder: Path) -> dict[str, float]:
    """Run a builder; return its CPU seconds, those of loading its libraries, and its peak of memory in MB."""
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    told: dict[str, float] = json.loads(run.stdout)
    return told


def opened_page(browser: Browser, path: Path, *, is_ours: bool) -> tuple[Page, float]:
    """Open a file with the network off; return the page and milliseconds until it stands."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.route(re.compile("^https?://"), _local)
    page.wait_for_timeout(WINDOW_MS)
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
        "| file | size, MB | build + loading, CPU s | build, MB | opens, ms | each |\n" + "|---" * 6 + "|",
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
                took = built(code, folder)
                path = folder / f"{name}.html"
                each = []
                for _ in range(asked.times):
                    page, milliseconds = opened_page(browser, path, is_ours=name == "ours")
                    each.append(milliseconds)
                    page.context.close()
                size = path.stat().st_size / 1e6
                told = json.dumps([round(one) for one in each])
                work = f"{took['cpu']:.1f} + {took['loading']:.1f} | {took['peak']:.0f}"
                print(f"| {city} {name} | {size:.2f} | {work} | {_middle(each)} | {told} |", flush=True)
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
