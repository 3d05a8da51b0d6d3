"""Grids of others put onto a community: the reconciliation first, then a draft, and nothing half-kept."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from fastapi.testclient import TestClient
from openpyxl import Workbook, load_workbook
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from tests.api.accounts import service
from tests.api.place import SIDE_DEG, Place, draw_community, token_for
from tests.api.processes import wait_until
from tests.api.test_jobs import worker_thread

CODE = "320924001001"
# u00 to u03 above u04 to u07.
HOUSEHOLDS = [[10, 20, 30, 20], [10, 20, 30, 20]]


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, HOUSEHOLDS)


def strip(first: float, columns: float) -> shapely.Geometry:
    """Ground of some columns of units."""
    return shapely.box(120 + first * SIDE_DEG, 33, 120 + (first + columns) * SIDE_DEG, 33 + 2 * SIDE_DEG)


def layer(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    columns = {"grid_id": list(shapes), "name": [f"=名{code}" for code in shapes]}
    return gpd.GeoDataFrame(columns, geometry=list(shapes.values()), crs="EPSG:4326")


class Importer:
    """Uploads a file and has a worker do the job on it, as the page does."""

    def __init__(self, client: TestClient, store: Store, folder: Path, place: Place) -> None:
        self.client, self.store, self.folder, self.place = client, store, folder, place
        self.headers = token_for(store, "planner", "planner")

    def send(self, path: Path) -> str:
        sent = self.client.post(
            "/api/v1/uploads", params={"name": path.name}, content=path.read_bytes(), headers=self.headers
        )
        assert sent.status_code == 201, sent.text
        upload: str = sent.json()["id"]
        return upload

    def run(self, path: Path, **params: Any) -> dict[str, Any]:
        body = {
            "kind": "import", "division_id": self.place.community_id,
            "params": {
                "grids": {"upload": self.send(path)}, "version": str(self.place.version_id), **params,
            },
        }  # fmt: skip
        started = self.client.post("/api/v1/jobs", json=body, headers=self.headers)
        assert started.status_code == 202, started.text
        self.address = f"/api/v1/jobs/{started.json()['id']}"
        wait_until(lambda: self.job()["state"] not in ("queued", "running"), what="the job is over")
        return self.job()

    def job(self) -> dict[str, Any]:
        told: dict[str, Any] = self.client.get(self.address, headers=self.headers).json()
        return told

    def versions(self) -> int:
        with self.store.owner.connect() as owner:
            count: int = owner.execute(text("SELECT count(*) FROM versions")).scalar_one()
            return count


@pytest.fixture
def importer(store: Store, tmp_path: Path, place: Place) -> Iterator[Importer]:
    with service(store, data_dir=tmp_path) as client, worker_thread(store, tmp_path):
        yield Importer(client, store, tmp_path, place)


def shapefile(folder: Path, frame: gpd.GeoDataFrame, encoding: str) -> Path:
    frame.to_file(folder / "网格.shp", encoding=encoding)
    packed = folder / "grids.zip"
    with zipfile.ZipFile(packed, "w") as bundle:
        for part in folder.glob("网格.*"):
            bundle.write(part, part.name)
    return packed


@pytest.mark.parametrize("form", ["gpkg", "geojson", "UTF-8", "GBK"])
def test_drawn_grids_are_told_first_and_kept_only_when_wanted(importer: Importer, tmp_path: Path, form: str):
    grids = layer(东=strip(0, 1), 西=strip(1, 2))  # the last column is in none
    if form in ("gpkg", "geojson"):
        grids.to_file(path := tmp_path / f"grids.{form}")
    else:
        path = shapefile(tmp_path, grids, form)

    looked = importer.run(path)

    assert looked["state"] == "done", looked["problem"]
    told = looked["result"]
    assert [(grid["code"], grid["name"], grid["households"], grid["units"]) for grid in told["grids"]] == [
        ("东", "=名东", 20, 2), ("西", "=名西", 100, 4),
    ]  # fmt: skip
    assert told["units_in_none"] == ["u03", "u07"]
    assert (told["households"], told["households_placed"], told["households_in_none"]) == (160, 120, 40)
    assert told["version"] is None
    assert importer.versions() == 1
    sheet = importer.client.get(f"{importer.address}/result", headers=importer.headers).content
    (tmp_path / "sheet.xlsx").write_bytes(sheet)
    rows = list(load_workbook(tmp_path / "sheet.xlsx")["核对清单"].iter_rows(values_only=True))
    assert rows[1:] == [("原不在网格内", "u03", None), ("原不在网格内", "u07", None)]

    kept = importer.run(path, keep=True)["result"]["version"]
    shown = importer.client.get(f"/api/v1/versions/{kept}", headers=importer.headers).json()
    assert (shown["state"], shown["grids"], shown["households"], shown["unassigned_units"]) == (
        "draft",
        2,
        120,
        2,
    )
    assert shown["parent_id"] == str(importer.place.version_id)
    entry = importer.client.get(f"/api/v1/versions/{kept}/edits", headers=importer.headers).json()["items"][0]
    assert (entry["action"], entry["by"]) == ("import", "planner")


def test_a_table_tells_units_it_lists_twice_and_those_that_are_not_here(importer: Importer, tmp_path: Path):
    book = Workbook()
    book.active.append(["单元编号", "网格编码"])
    for row in (("u00", "A"), ("u01", "A"), ("u01", "B"), ("u02", "B"), ("nowhere", "B"), ("far", "C")):
        book.active.append(row)
    book.save(tmp_path / "table.xlsx")

    told = importer.run(tmp_path / "table.xlsx")["result"]

    assert told["units_in_two"] == {"u01": ["A", "B"]}
    assert told["unknown_units"] == ["far", "nowhere"]
    assert told["empty_grids"] == ["C"]
    assert {grid["code"]: grid["households"] for grid in told["grids"]} == {"A": 30, "B": 30}


def test_overlaps_are_told_with_both_grids_and_a_file_that_cannot_be_used_leaves_nothing(
    importer: Importer, tmp_path: Path
):
    layer(A=strip(0, 2.6), B=strip(1.4, 2.6)).to_file(tmp_path / "overlap.gpkg")
    told = importer.run(tmp_path / "overlap.gpkg")["result"]
    assert set(told["units_in_two"]) == {"u01", "u02", "u05", "u06"}
    assert any("重叠" in finding["text"] for finding in told["findings"])

    layer(A=shapely.box(110, 30, 110.01, 30.01)).to_file(tmp_path / "far.gpkg")
    (tmp_path / "columns.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    for name in ("far.gpkg", "columns.csv"):
        failed = importer.run(tmp_path / name, keep=True)
        assert failed["state"] == "failed"
        assert name in failed["problem"]["detail"]
        assert "\n" not in failed["problem"]["detail"]
        assert failed["result"] is None
    assert importer.versions() == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_on_the_page_the_sheet_is_read_before_a_draft_is_kept(
    store: Store, place: Place, signed_in: BrowserContext, tmp_path: Path, served: str
):
    layer(**{"<b>A</b>": strip(0, 1), "B": strip(1, 2)}).to_file(tmp_path / "grids.gpkg")
    (tmp_path / "broken.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    plain = layer(B=strip(1, 2)).rename(columns={"grid_id": "甲"}).set_crs(None, allow_override=True)
    for name, mode in (("old", "w"), ("new", "a")):
        plain.to_file(tmp_path / "plain.gpkg", layer=name, mode=mode)
    with worker_thread(store, tmp_path):
        page = signed_in.new_page()
        page.goto(f"{served}/plan/{place.community_id}")
        page.locator("summary", has_text="更多").click()
        page.get_by_role("link", name="导入网格").click()
        page.wait_for_url("**/import*")
        page.evaluate("() => window.weige.ready")
        page.set_input_files("#import-file", tmp_path / "broken.csv")
        page.get_by_role("button", name="核对").click()
        page.wait_for_selector("#import-said.refused")
        told = page.locator("#import-said").inner_text()
        assert "broken.csv" in told
        assert "没有 grid_id 列（现有：甲, 乙）" in told

        # What the file does not say is written in: of two layers which, the column, the coordinate system.
        page.set_input_files("#import-file", tmp_path / "plain.gpkg")
        # Where it can be said is open by now.
        for field, said in (("layer", "old"), ("crs", "4326"), ("grid_column", "甲")):
            page.fill(f"#import-{field}", said)
        page.get_by_role("button", name="核对").click()
        page.wait_for_selector("#import-sheet .keep")
        assert page.locator("#import-sheet .grids tbody th").all_inner_texts() == ["B"]
        for field in ("layer", "crs", "grid_column"):
            page.fill(f"#import-{field}", "")

        page.set_input_files("#import-file", tmp_path / "grids.gpkg")
        page.get_by_role("button", name="核对").click()
        page.wait_for_selector("#import-sheet .keep")
        sums = [row.locator("td").all_inner_texts() for row in page.locator(".sums tbody tr").all()]
        assert sums[:3] == [["8", "160"], ["6", "120"], ["2", "40"]]
        assert page.locator("#import-sheet .grids tbody th").all_inner_texts() == ["<b>A</b>", "B"]
        with store.owner.connect() as owner:
            assert owner.execute(text("SELECT count(*) FROM versions")).scalar_one() == 1

        page.get_by_role("button", name="保留为新草稿").click()
        page.wait_for_url(lambda address: "/import" not in address)
        page.wait_for_load_state()
        page.evaluate("() => window.weige.ready")
        assert page.evaluate("() => window.weige.planner.totals()") == {"<b>A</b>": 20, "B": 100}
