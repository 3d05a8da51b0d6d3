"""The file for a meeting about a drawn plan, its cases of four weeks and its stations."""

from __future__ import annotations

from pathlib import Path

import pytest

from maps.export import write_map
from tests.maps.sample_plan import incidents, plan_frames, stations, write_plan, write_points


@pytest.fixture(scope="session")
def meeting(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("meeting")
    frames = plan_frames()
    rows = incidents(frames, 90)
    for k, row in enumerate(rows):
        # Long ago, so that nothing depends on the day of the test.
        row["reported_at"] = f"2025-11-{k % 28 + 1:02d} 08:{k % 60:02d}"
        row["category"] = "E0102"
        row["closed_at"] = f"2025-11-{k % 28 + 2:02d} 09:00" if k % 3 == 0 else ""
    plan = write_plan(folder / "plan.gpkg", frames)
    output = folder / "meeting.html"
    write_map(
        plan, output, incidents=str(write_points(folder / "cases.csv", rows)),
        stations=str(write_points(folder / "stations.csv", stations(frames, 4))),
        period="2025-11-01/2025-11-28", watermark="内部资料",
    )  # fmt: skip
    return output
