from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import psycopg
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from api.main import create_app
from api.settings import Settings
from api.tiles import _OF_MINE, _OF_ONE, _PUBLISHED, MEDIA_TYPE, TileCache, tile_box, tile_sql
from tests.api.town import Community, add_surroundings, build_town, token_of

# The tile of the town's south-west corner.
Z13 = (13, 6826, 3340)


@pytest.fixture
def town(store: Store) -> list[Community]:
    made = build_town(store)
    add_surroundings(store, made)
    return made


@pytest.fixture
def client(store: Store, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path), store.url)) as opened:
        yield opened


def at(z: int, lon: float = 120.0012, lat: float = 31.0006) -> str:
    x = int((lon + 180) / 360 * 2**z)
    y = next(row for row in range(int(0.35 * 2**z), 2**z) if tile_box(z, 0, row)["south"] <= lat)
    return f"{z}/{x}/{y}"


def decoded(tile: bytes, place: str, folder: Path) -> geopandas.GeoDataFrame:
    """Read a tile with GDAL, in WGS 84."""
    z, x, y = place.split("/")
    file = folder / f"{z}-{x}-{y}.mvt"
    file.write_bytes(tile)
    layers = pyogrio.list_layers(
        file,
    ).T[0]
    assert len(layers) == 1
    return pyogrio.read_dataframe(file, X=x, Y=y, Z=z).to_crs(4326)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_anybody_sees_the_grids_in_force(client, town, tmp_path):
    answer = client.get(f"/tiles/grids/{at(15)}.mvt")

    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    grids = decoded(answer.content, at(15), tmp_path)
    assert sorted(grids.code) == [f"{c.code}{n:03}" for c in town for n in range(2)]
    assert set(grids.households) == {64}


def test_shapes_come_back_where_they_are_and_leave_no_gap(client, store, town, tmp_path):
    token = token_of(store, "v", "viewer", town[0].path.rsplit(".", 1)[0])
    drawn = decoded(client.get(f"/tiles/cells/{at(15)}.mvt", headers=bearer(token)).content, at(15), tmp_path)
    with store.owner.connect() as owner:
        stored = {
            row.unit_id: row.cell
            for row in owner.execute(text("SELECT unit_id, ST_AsBinary(cell) AS cell FROM units"))
        }

    assert set(drawn.unit_id) == set(stored)
    step = 360 / 2**15 / 4096
    for unit, shape in zip(drawn.unit_id, drawn.geometry, strict=True):
        assert shapely.hausdorff_distance(shape, shapely.from_wkb(bytes(stored[unit]))) < 2 * step
    shapes = drawn.geometry.to_numpy()
    # Edges are matched: the whole covers as much as its members.
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(shapes).sum(), rel=1e-9)


def test_moved_and_cut_polygons_have_their_rings_wound_the_same_way(client, store, town):
    """Renderers tell outer rings from holes by their winding."""
    z, x, y = map(int, at(15).split("/"))
    shape = "POLYGON((120.001 31, 120.002 31, 120.002 31.001, 120.001 31.001, 120.001 31))"
    with store.owner.begin() as owner:
        owner.execute(text(f"UPDATE divisions SET geom = 'SRID=4490;{shape}' WHERE code = 'c000000'"))
    moved = tile_sql("communities", z, _PUBLISHED)
    cut = moved.replace(" @ ", " ~ ")  # contains instead of is contained: never
    assert moved != cut
    with psycopg.connect(store.conninfo(role=None)) as connection:
        values = {**tile_box(z, x, y), "z": z, "x": x, "y": y, "layer": "communities"}
        tiles = [connection.execute(sql, values).fetchone()[0] for sql in (moved, cut)]
    areas = [signed_areas(tile) for tile in tiles]
    assert all(area > 0 for drawn in areas for area in drawn)
    assert sorted(areas[0]) == pytest.approx(sorted(areas[1]), rel=0.01)


def signed_areas(tile: bytes) -> list[float]:
    """Return the surveyor's areas of the rings of a tile with one layer, read by hand (spec 4.3)."""

    def varint(buffer: bytes, at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (buffer[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not buffer[at - 1] & 0x80:
                return value, at

    def fields(buffer: bytes) -> Iterator[tuple[int, object]]:
        at = 0
        while at < len(buffer):
            key, at = varint(buffer, at)
            if key & 7 == 2:
                length, at = varint(buffer, at)
                yield key >> 3, buffer[at : at + length]
                at += length
            else:
                value, at = varint(buffer, at)
                yield key >> 3, value

    areas = []
    for layer in (value for number, value in fields(tile) if number == 3):
        for feature in (value for number, value in fields(layer) if number == 2):
            geometry = next(value for number, value in fields(feature) if number == 4)
            numbers, position = [], 0
            while position < len(geometry):
                value, position = varint(geometry, position)
                numbers.append(value)
            x = y = position = 0
            ring: list[tuple[int, int]] = []
            while position < len(numbers):
                command, count = numbers[position] & 7, numbers[position] >> 3
                position += 1
                if command == 7:
                    points = np.array(ring, dtype=float)
                    turned = np.roll(points, -1, axis=0)
                    areas.append(float(np.sum(points[:, 0] * turned[:, 1] - turned[:, 0] * points[:, 1]) / 2))
                    continue
                if command == 1:
                    ring = []
                for _ in range(count):
                    step = [(n >> 1) ^ -(n & 1) for n in numbers[position : position + 2]]
                    x, y, position = x + step[0], y + step[1], position + 2
                    ring.append((x, y))
    return areas


def test_cutting_in_degrees_stays_within_three_steps_of_the_projection():
    worst = 0.0
    for lat in (18.0, 31.0, 54.0):
        z, _, y = map(int, at(10, lat=lat).split("/"))
        box = tile_box(z, 0, y)
        lats = np.linspace(box["south"], box["north"], 101)
        straight = (box["north"] - lats) / (box["north"] - box["south"]) * 4096
        mercator = (0.5 - np.arcsinh(np.tan(np.radians(lats))) / (2 * np.pi)) * 2**z - y
        worst = max(worst, float(np.abs(straight - 4096 * mercator).max()))
    assert 0.5 < worst < 3


def test_below_zoom_13_no_cell_is_drawn_but_grids_then_communities_then_clusters(client, town, tmp_path):
    grids = decoded(client.get(f"/tiles/grids/{at(12)}.mvt").content, at(12), tmp_path)
    assert (len(grids), set(grids.households)) == (4, {64})
    areas = decoded(client.get(f"/tiles/grids/{at(10)}.mvt").content, at(10), tmp_path)
    assert sorted(zip(areas.community_id, areas.micro_grids, areas.households, strict=True)) == [
        ("c000000", 2, 128),
        ("c001000", 2, 128),
    ]
    (cluster,) = decoded(client.get(f"/tiles/grids/{at(5)}.mvt").content, at(5), tmp_path).itertuples()
    assert (cluster.communities, cluster.micro_grids, cluster.households) == (2, 4, 256)
    assert cluster.geometry.distance(shapely.Point(120.0016, 31.0008)) < 0.01
    (stations,) = decoded(client.get(f"/tiles/stations/{at(9)}.mvt").content, at(9), tmp_path).itertuples()
    assert stations.stations == 2


def test_a_point_on_the_edge_of_two_tiles_is_counted_in_one(client, store, town):
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE stations SET geom = 'SRID=4490;POINT(112.5 31)'"))
    x = 2**4 * (112.5 + 180) / 360
    assert x == int(x)
    counted = [client.get(f"/tiles/stations/4/{int(x) + side}/6.mvt").status_code for side in (-1, 0)]
    assert counted == [204, 200]


@pytest.mark.parametrize("layer", ["roads", "water", "stations", "communities"])
def test_layers_of_the_surroundings_are_anybodys(client, town, layer, tmp_path):
    rows = decoded(client.get(f"/tiles/{layer}/{at(16)}.mvt").content, at(16), tmp_path)
    assert len(rows) == {"roads": 2, "water": 1, "stations": 2, "communities": 2}[layer]


def test_small_scale_draws_main_roads_only(client, town, tmp_path):
    rows = decoded(client.get(f"/tiles/roads/{at(12)}.mvt").content, at(12), tmp_path)
    assert list(rows.road_class) == ["primary"]


@pytest.mark.parametrize("asked", ["units/{}", "cells/{}", "grids/{}?version={v}"])
def test_what_is_not_published_needs_a_key(client, town, asked):
    answer = client.get("/tiles/" + asked.format(f"{at(15)}.mvt", v=town[0].version_id))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_viewer_of_one_community_sees_its_cells_only(client, store, town, tmp_path):
    token = token_of(store, "v", "viewer", town[0].path)
    for layer in ("cells", "units"):
        rows = decoded(
            client.get(f"/tiles/{layer}/{at(15)}.mvt", headers=bearer(token)).content, at(15), tmp_path
        )
        assert {unit.split("-")[0] for unit in rows.unit_id} == {town[0].code}
        assert len(rows) == 16
    rows = decoded(client.get(f"/tiles/cells/{at(12)}.mvt", headers=bearer(token)).content, at(12), tmp_path)
    assert len(rows) == 2


def test_the_version_of_another_area_is_unknown(client, store, town):
    token = token_of(store, "v", "viewer", town[0].path)
    for layer in ("cells", "units", "grids"):
        own, other = (
            client.get(f"/tiles/{layer}/{at(15)}.mvt?version={c.version_id}", headers=bearer(token))
            for c in town
        )
        assert (own.status_code, other.status_code) == (200, 404)
        assert other.json()["code"] == "no_such_version"


def test_nobody_is_told_the_tile_that_another_may_see(client, store, town):
    """The cache of the process is keyed by rights."""
    first, second = (token_of(store, f"v{c.code}", "viewer", c.path) for c in town)
    told = [
        client.get(f"/tiles/cells/{at(15)}.mvt", headers=bearer(token)) for token in (first, second, first)
    ]
    assert told[0].content == told[2].content != told[1].content
    assert told[0].headers["ETag"] != told[1].headers["ETag"]
    assert {answer.headers["Cache-Control"] for answer in told} == {"private, no-cache"}
    assert told[0].headers["Vary"] == "Authorization, Cookie"


def test_drafts_are_not_on_the_published_map(store, tmp_path):
    build_town(store, publish=False)
    with TestClient(create_app(Settings(data_dir=tmp_path), store.url)) as client:
        assert client.get(f"/tiles/grids/{at(15)}.mvt").status_code == 204


def test_a_tile_is_sent_again_only_when_it_changed(client, store, town):
    first = client.get(f"/tiles/grids/{at(15)}.mvt")
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get(
        f"/tiles/grids/{at(15)}.mvt", headers={"If-None-Match": f'W/"x", {first.headers["ETag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")

    with store.owner.begin() as owner:
        owner.execute(
            text("UPDATE versions SET state = 'superseded', valid_to = city_day() WHERE community_id = :c"),
            {"c": town[0].id},
        )
    changed = client.get(f"/tiles/grids/{at(15)}.mvt", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert len(changed.content) < len(first.content)


def test_a_tile_drawn_while_a_change_was_not_yet_committed_is_not_kept_for_after_it(client, store, town):
    with store.owner.connect() as owner:
        owner.execute(text("DELETE FROM stations WHERE community_id = :c"), {"c": town[0].id})
        before = client.get(f"/tiles/stations/{at(16)}.mvt")
        owner.commit()
    after = client.get(f"/tiles/stations/{at(16)}.mvt", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert len(after.content) < len(before.content)


def test_the_revision_of_a_layer_grows_with_each_change_also_when_its_rows_are_folded(store):
    seen = []
    for _ in range(600):
        with store.owner.begin() as owner:
            owner.execute(text("INSERT INTO roads (geom) VALUES ('SRID=4490;LINESTRING(120 31, 121 31)')"))
        with store.owner.connect() as owner:
            seen.append(owner.execute(text("SELECT layer_revision('roads')")).scalar_one())
    assert seen == sorted(set(seen))
    with store.owner.connect() as owner:
        assert owner.execute(text("SELECT count(*) FROM layer_changes")).scalar_one() < 300


@pytest.mark.parametrize(
    ("place", "status"), [("3/8/0", 404), ("3/0/8", 404), ("3/-1/0", 422), ("23/0/0", 422), ("a/0/0", 422)]
)
def test_a_place_that_is_no_tile_is_refused(client, place, status):
    answer = client.get(f"/tiles/grids/{place}.mvt")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_an_empty_tile_has_no_content_and_a_tag(client, town):
    answer = client.get("/tiles/grids/13/0/0.mvt")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["ETag"]
    assert client.get("/tiles/rivers/13/0/0.mvt").status_code == 422


def plan(store: Store, sql: str, values: dict[str, object], grants: dict[str, list[str]]) -> str:
    with psycopg.connect(store.conninfo()) as connection:
        connection.execute("SELECT act_as(NULL, %s)", (json.dumps(grants),))
        return "\n".join(row[0] for row in connection.execute("EXPLAIN " + sql, values))


@pytest.mark.slow
def test_tiles_are_found_by_spatial_index_also_under_row_level_security(store):
    (town, *_) = build_town(store, shape=(6, 6), community=(16, 16))
    z, x, y = map(int, at(17).split("/"))
    values = {**tile_box(z, x, y), "z": z, "x": x, "y": y, "version": town.version_id}
    for layer, bands, index in [
        ("cells", _OF_MINE, "units_cell"),
        ("units", _OF_MINE, "units_geom"),
        ("grids", _OF_MINE, "grids_geom"),
        ("grids", _PUBLISHED, "grids_geom"),
        # One version is small: its key narrows more than its place.
        ("cells", _OF_ONE, "units_"),
    ]:
        told = plan(store, tile_sql(layer, z, bands), {**values, "layer": layer}, {"viewer": ["1"]})
        assert index in told, f"{layer}: {told}"
        assert "Seq Scan on units" not in told, told
        assert "Seq Scan on grids" not in told, told


def test_the_cache_forgets_what_was_not_asked_for_longest():
    cache = TileCache(limit=10)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    cache.get("a")
    cache.put("c", b"1234")
    assert [cache.get(tag) for tag in "abc"] == [b"1234", None, b"1234"]
