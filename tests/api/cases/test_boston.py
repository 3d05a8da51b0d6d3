"""56,517 real service requests of Boston, 2015, brought twice into a plan over their own places.

The plan: a unit of 10 households at each distinct location but the default point; communities of about 2,000
households as a seeded Voronoi of their hull. Found by WEIGE_TEST_DATA; City of Boston, PDDL.
"""

from __future__ import annotations

import csv
import logging
import os
import time
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from api.cases.calendar import working_calendar
from api.cases.case_log import digest_cases, verify_cases
from api.cases.categories import shipped_edition
from api.cases.commands import everywhere
from api.cases.importing import Imported, import_orders
from api.cases.orders import read_orders
from api.database import Store
from api.loading import load_plan_as_owner
from geo.layers import LayerKind
from geo.partition import Band
from geo.plan_layers import read_plan_layers
from geo.planning import plan
from maps.plan_file import plan_frames, write_frames
from tests.api.plans import silent

logger = logging.getLogger(__name__)

REQUESTS = Path(os.environ.get("WEIGE_TEST_DATA", "")) / "boston_311_2015_central_south.parquet"
HOUSEHOLDS_OF_UNIT, HOUSEHOLDS_OF_COMMUNITY = 10, 2000
SEED = 1
# Where Boston puts what it cannot locate (City Hall Plaza).
DEFAULT_POINT = (-71.0587, 42.3594)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REQUESTS.is_file(), reason="WEIGE_TEST_DATA does not name the real data"),
]


def orders_file(requests: pd.DataFrame, path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["external_number", "category", "text", "address", "lon", "lat", "reported_at"])
        sheet.writerows(
            zip(
                requests["CASE_ENQUIRY_ID"], requests["TYPE"], requests["CASE_TITLE"].fillna(""),
                requests["Location"], requests["LONGITUDE"], requests["LATITUDE"],
                requests["OPEN_DT"].dt.strftime("%Y-%m-%d %H:%M:%S"), strict=True,
            )
        )  # fmt: skip
    return path


def layers_of(requests: pd.DataFrame, folder: Path) -> dict[LayerKind, str]:
    """Write units and communities; return their files."""
    places = requests[["LONGITUDE", "LATITUDE"]].drop_duplicates().sort_values(["LONGITUDE", "LATITUDE"])
    xy = places.to_numpy()
    xy = xy[~(np.abs(xy - DEFAULT_POINT) < 1e-9).all(axis=1)]
    points = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs=4326)
    metres = points.to_crs(points.estimate_utm_crs())
    hull = metres.union_all().convex_hull.buffer(20)
    n = round(len(points) * HOUSEHOLDS_OF_UNIT / HOUSEHOLDS_OF_COMMUNITY)
    # Seeds among the places, so that cells hold about as many of them where they lie thick and where thin.
    seeds = metres.iloc[np.random.default_rng(SEED).choice(len(points), n, replace=False)]
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(seeds.get_coordinates().to_numpy()), extend_to=hull)
    )
    communities = gpd.GeoDataFrame(
        {"community_id": [f"9900010{at:02}001"[:9] + f"{at:03}" for at in range(n)]},
        geometry=[cell.intersection(hull) for cell in cells], crs=metres.crs,
    )  # fmt: skip
    units = gpd.GeoDataFrame(
        {"unit_id": [f"p{at:05}" for at in range(len(points))], "households": HOUSEHOLDS_OF_UNIT},
        geometry=metres.to_numpy(), crs=metres.crs,
    )  # fmt: skip
    files: dict[LayerKind, str] = {}
    kinds: tuple[tuple[LayerKind, gpd.GeoDataFrame], ...] = (("units", units), ("communities", communities))
    for kind, frame in kinds:
        files[kind] = str(folder / f"{kind}.gpkg")
        frame.to_file(files[kind])
    return files


@pytest.fixture(scope="module")
def requests() -> pd.DataFrame:
    return pd.read_parquet(REQUESTS)


@pytest.fixture(scope="module")
def plan_file(requests: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boston")
    before = time.process_time()
    made = plan(read_plan_layers(layers_of(requests, folder)), band=Band(50, 100), seed=SEED)
    logger.info("planned in %.0f CPU seconds", time.process_time() - before)
    write_frames(plan_frames(made, {}), folder / "plan.gpkg")
    return folder / "plan.gpkg"


def bring(store: Store, file: Path) -> Imported:
    calendar, edition = working_calendar(), shipped_edition()
    orders = read_orders(file, edition, calendar, category="E0199")
    with everywhere(store, "dispatcher") as session:
        return import_orders(session, orders, edition, calendar, channel="boston", area="all", report=silent)


def test_real_requests_brought_twice_are_there_once_each_in_one_grid_and_default_points_are_not_mapped(
    store: Store, requests: pd.DataFrame, plan_file: Path, tmp_path: Path
):
    load_plan_as_owner(store, plan_file, report=silent, valid_from=date(2014, 1, 1))
    file = orders_file(requests, tmp_path / "requests.csv")
    before = time.process_time()
    first, again = bring(store, file), bring(store, file)
    logger.info("brought twice in %.0f CPU seconds", time.process_time() - before)
    n = len(requests)
    assert n == 56_517
    assert (first.added, first.known, again.added, again.known) == (n, 0, 0, n)

    unlocated = int(
        ((requests["LONGITUDE"] == DEFAULT_POINT[0]) & (requests["LATITUDE"] == DEFAULT_POINT[1])).sum()
    )
    assert (first.default_points, unlocated) == (3673, 3673)
    with store.owner.connect() as owner:
        placed = owner.execute(
            text("""
                SELECT count(*) FILTER (WHERE c.is_default) AS flagged,
                       count(*) FILTER (WHERE c.is_default AND num_nonnulls(geom, grid) > 0) AS mapped,
                       count(*) FILTER (WHERE place = 'point') AS points,
                       count(*) FILTER (WHERE place = 'point' AND grid IS NOT NULL) AS in_grid,
                       count(*) FILTER (WHERE place = 'point' AND grid IS NULL AND choices <> '{}') AS asked
                FROM (SELECT *, place = 'default_point' AS is_default FROM cases) c""")
        ).one()  # fmt: skip
        # By the geometry, and not by what the import wrote: every located one lies in exactly one grid.
        in_grids = owner.execute(
            text("""
                SELECT found.n, count(*) AS cases FROM (
                  SELECT (SELECT count(*) FROM grids g WHERE ST_Contains(g.geom, c.geom)) AS n
                  FROM cases c WHERE c.place = 'point') found GROUP BY found.n""")
        ).all()  # fmt: skip
        wrong = owner.execute(
            text("""
                SELECT count(*) FROM cases c JOIN grids g ON (g.version_id, g.code) = (c.version_id, c.grid)
                WHERE NOT ST_Intersects(g.geom, c.geom)""")
        ).scalar_one()
    assert (placed.flagged, placed.mapped, placed.points) == (unlocated, 0, n - unlocated)
    assert dict(tuple(row) for row in in_grids) == {1: n - unlocated}
    # Those that are nearer than a hand's breadth to a border are a question, all others are in their grid.
    assert placed.in_grid + placed.asked == placed.points
    assert placed.in_grid == first.located
    assert wrong == 0
    digest_cases(store)
    assert verify_cases(store).faults == ()
