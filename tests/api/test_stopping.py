"""A search that is stopped at the terminal: what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from tests.api.test_cli import ROOT, WEIGE


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("presses", [1, 2])
def test_the_first_ctrl_c_ends_the_search_and_the_second_leaves_nothing(tmp_path, presses):
    corners = [(462_000 + 30 * x, 3_542_000 + 30 * y) for x in range(100) for y in range(80)]
    houses = [shapely.box(x, y, x + 15, y + 15) for x, y in corners]
    units = gpd.GeoDataFrame(
        {"unit_id": [str(k) for k in range(len(houses))], "households": 7}, geometry=houses, crs="EPSG:4549"
    )
    layers, output = tmp_path / "layers", tmp_path / "out"
    layers.mkdir()
    output.mkdir()
    units.to_file(layers / "units.gpkg")
    outline = shapely.box(461_990, 3_541_990, 465_000, 3_544_400)
    gpd.GeoDataFrame({"community_id": ["1"]}, geometry=[outline], crs="EPSG:4549").to_file(layers / "c.gpkg")
    running = subprocess.Popen(
        [*WEIGE, "plan", "--units", layers / "units.gpkg", "--communities", layers / "c.gpkg",
         "-o", output / "plan.gpkg", "--time", "600", "--lang", "en"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # What is started in the background of a shell would ignore Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    try:
        # By then the layers are read; cells and search of 8,000 units take far more.
        while running.poll() is None and cpu_seconds(running.pid) < 7:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.stderr is not None
        assert running.stderr.readline().startswith("note: stopping")
        if presses == 2:
            running.send_signal(signal.SIGINT)
        told, said = running.communicate(timeout=120)
    finally:
        running.kill()
        running.communicate()

    assert "Traceback" not in said
    if presses == 1:
        assert running.returncode == 0
        assert "stopped; the best plan so far was written" in told
        assert [path.name for path in output.iterdir()] == ["plan.gpkg"]
    else:
        assert running.returncode == 130
        assert said.splitlines() == ["weige: stopped; nothing was written"]
        assert list(output.iterdir()) == []
