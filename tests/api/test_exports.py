from __future__ import annotations

import base64
import hashlib
import io
import re
import tracemalloc
import zipfile
from pathlib import Path

import geopandas
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.database import Store
from api.dependencies import Actor
from api.exporting import BATCH_ROWS, Export
from api.main import create_app
from api.routes.exports import attachment
from api.settings import Settings
from maps.pack import unpack
from tests.api.town import Community, build_town, token_of


@pytest.fixture
def town(store: Store) -> list[Community]:
    made = build_town(store)
    with store.owner.begin() as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        owner.execute(text("UPDATE grids SET name = '一号网格', reason = '边角地'"))
    return made


@pytest.fixture
def service(store: Store, tmp_path: Path):
    with TestClient(create_app(Settings(data_dir=tmp_path / "data"), store.url)) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def opened(answer, format: str, folder: Path) -> geopandas.GeoDataFrame:
    assert answer.status_code == 200, answer.text
    if format == "parquet":
        return geopandas.read_parquet(io.BytesIO(answer.content))
    file = folder / f"got.{'zip' if format == 'shp' else format}"
    file.write_bytes(answer.content)
    return pyogrio.read_dataframe(f"/vsizip/{file}" if format == "shp" else file)


@pytest.mark.parametrize("layer", ["micro_grids", "cells"])
def test_a_version_comes_back_whole_from_each_format(service, store, town, tmp_path, layer):
    token = token_of(store, "v", "viewer", town[0].path)
    column, table = {"micro_grids": ("geom", "grids"), "cells": ("cell", "units")}[layer]
    with store.owner.connect() as owner:
        stored = owner.execute(
            text(f"SELECT ST_AsBinary({column}) FROM {table} WHERE community_id = :c"), {"c": town[0].id}
        ).scalars()
        whole = shapely.union_all([shapely.from_wkb(bytes(shape)) for shape in stored])
    for format in ("gpkg", "shp", "geojson", "parquet"):
        address = f"/api/v1/versions/{town[0].version_id}/download?format={format}&layer={layer}"
        rows = opened(service.get(address, headers=bearer(token)), format, tmp_path)
        assert len(rows) == {"micro_grids": 2, "cells": 16}[layer], format
        assert rows.crs.to_epsg() == 4326 or format == "parquet"
        assert rows.households.sum() == 128
        assert set(rows.grid_id) == {f"{town[0].code}000", f"{town[0].code}001"}
        assert shapely.hausdorff_distance(shapely.union_all(rows.geometry.to_numpy()), whole) < 1e-7
        if layer == "micro_grids":
            assert set(rows.name) == {"一号网格"}
    assert list((tmp_path / "data").glob("download-*")) == []


@pytest.mark.parametrize(("encoding", "page"), [("GBK", "936"), ("UTF-8", "UTF-8")])
def test_a_shapefile_says_how_its_text_is_written(service, store, town, encoding, page):
    token = token_of(store, "v", "viewer", town[0].path)
    address = f"/api/v1/versions/{town[0].version_id}/download?format=shp&encoding={encoding}"
    answer = service.get(address, headers=bearer(token))
    name = f"micro_grids-{town[0].code}-{encoding.lower().replace('-', '')}.zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    assert "一号网格".encode(encoding) in packed.read("micro_grids.dbf")
    assert (
        page in packed.read("micro_grids.cpg").decode() or encoding in packed.read("micro_grids.cpg").decode()
    )


def test_the_area_gives_what_is_in_force_and_one_may_read(service, store, town, tmp_path):
    street = int(town[0].path.split(".")[1])
    for name, path, n in (("s", "1.2", 4), ("c", town[1].path, 2)):
        token = token_of(store, name, "viewer", path)
        answer = service.get(f"/api/v1/divisions/{street}/download?format=geojson", headers=bearer(token))
        assert len(opened(answer, "geojson", tmp_path)) == n


def test_what_belongs_to_another_area_is_unknown_and_needs_a_key(service, store, town):
    token = token_of(store, "v", "viewer", town[0].path)
    for address in (f"/api/v1/versions/{town[1].version_id}/download?format=gpkg",
                    f"/api/v1/divisions/{town[1].id}/download?format=gpkg"):  # fmt: skip
        assert service.get(address, headers=bearer(token)).status_code == 404
        assert service.get(address).status_code == 401
    refused = service.get(f"/api/v1/versions/{town[0].version_id}/download?format=dwg", headers=bearer(token))
    assert refused.status_code == 422


def test_a_download_is_in_the_audit_log(service, store, town):
    token = token_of(store, "v", "viewer", town[0].path)
    service.get(f"/api/v1/versions/{town[0].version_id}/download?format=geojson", headers=bearer(token))
    with store.owner.connect() as owner:
        entry = owner.execute(text("SELECT * FROM log WHERE action = 'download'")).one()
    assert (entry.stream, entry.community_id) == ("audit", town[0].id)
    assert entry.body == {"version": town[0].version_id, "format": "geojson", "layer": "micro_grids"}


def test_a_code_of_any_characters_names_a_file_and_breaks_no_header():
    assert attachment("map-320924001001.html") == 'attachment; filename="map-320924001001.html"'
    assert (
        attachment('map-甲"\r\n/.html')
        == "attachment; filename=\"map------.html\"; filename*=UTF-8''map-%E7%94%B2%22%0D%0A%2F.html"
    )


def test_an_empty_layer_is_a_file_too(service, store, town, tmp_path):
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE versions SET state = 'superseded', valid_to = city_day()"))
    token = token_of(store, "v", "viewer", "1")
    for format in ("gpkg", "shp", "geojson", "parquet"):
        answer = service.get(f"/api/v1/divisions/1/download?format={format}", headers=bearer(token))
        assert len(opened(answer, format, tmp_path)) == 0


@pytest.mark.slow
def test_memory_does_not_grow_with_the_layer(store, tmp_path):
    build_town(store, shape=(5, 1), community=(40, 40))
    export = Export(store, Actor(None, "x", {"viewer": ["1"]}, None), "cells", "true", {})
    peaks = {}
    for n in (BATCH_ROWS, 8 * BATCH_ROWS):
        part = Export(store, export.actor, "cells", f"u.ground_id <= {n // 1600 + 1}", {})
        tracemalloc.start()
        rows = sum(batch.num_rows for batch in part.batches())
        text_bytes = sum(len(piece) for piece in part.geojson())
        peaks[rows] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert text_bytes > 100 * rows
    assert sorted(peaks) == [1600, 8000]
    assert peaks[8000] < 1.5 * peaks[1600]


def map_address(community: Community) -> str:
    return f"/api/v1/versions/{community.version_id}/map"


def test_the_map_of_a_version_is_a_file_that_holds_its_grids(service, store, town, tmp_path):
    token = token_of(store, "v", "viewer", town[0].path)
    answer = service.get(map_address(town[0]), headers=bearer(token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="map-{town[0].code}.html"'
    packed = re.search(r'id="weige-pack"[^>]*>([A-Za-z0-9+/=\s]+)<', answer.text)
    assert packed is not None
    layers = unpack(base64.b64decode(packed.group(1)))
    assert set(layers["grids"]["grid_id"]) == {f"{town[0].code}000", f"{town[0].code}001"}
    assert layers["units"]["households"].sum() == 128
    # It is a file for a meeting, stamped with the version it shows.
    assert (
        f'"meeting":{{"id":"{hashlib.sha256(base64.b64decode(packed.group(1))).hexdigest()[:16]}"'
        in answer.text
    )
    assert f'"name":"/versions/{town[0].version_id}"' in answer.text
    # Only what was asked for: the town's other community is not in it.
    assert town[1].code not in answer.text


@pytest.mark.parametrize(("lang", "title"), [("zh_CN", "微网格地图"), ("en", "Micro-grid map")])
def test_the_map_opens_in_the_language_asked_for(service, store, town, lang, title):
    token = token_of(store, "v", "viewer", town[0].path)
    answer = service.get(f"{map_address(town[0])}?lang={lang}", headers=bearer(token))
    assert f"{town[0].code}社区 · {title}</title>" in answer.text
    assert service.get(f"{map_address(town[0])}?lang=fr", headers=bearer(token)).status_code == 422


def test_a_map_taken_away_is_in_the_audit_log_and_one_refused_is_not(service, store, town):
    token = token_of(store, "v", "viewer", town[0].path)
    assert service.get(map_address(town[1]), headers=bearer(token)).status_code == 404
    service.get(map_address(town[0]), headers=bearer(token))
    with store.owner.connect() as owner:
        entry = owner.execute(text("SELECT * FROM log WHERE action = 'download'")).one()
    assert (entry.stream, entry.community_id) == ("audit", town[0].id)
    assert entry.body["version"] == town[0].version_id
    assert (entry.body["format"], entry.body["cases"].count("/")) == ("html", 1)


def test_a_version_without_grids_has_no_map_and_says_so(service, store, town):
    with store.owner.begin() as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        owner.execute(text("DELETE FROM assignments"))
        owner.execute(text("DELETE FROM grids"))
    token = token_of(store, "v", "viewer", town[0].path)
    refused = service.get(map_address(town[0]), headers=bearer(token))
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_draw")
