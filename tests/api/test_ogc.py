"""OGC API under /ogc: each clause of OGC 17-069r4 (Features, Part 1: Core) that we claim, by its name."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from owslib.ogcapi.features import Features
from sqlalchemy import text

from api.cluster import Cluster
from api.database import Store
from api.main import create_app
from api.ogc import CONFORMS_TO, CRS84
from api.settings import Settings
from tests.api.conftest import empty_store
from tests.api.town import Community, add_surroundings, build_town

COUNTS = {"communities": 2, "micro_grids": 4, "stations": 2, "roads": 2, "water": 1}
BOX = (120.0, 31.0, 120.0032, 31.0016)


@pytest.fixture
def town(store: Store) -> list[Community]:
    made = build_town(store)
    add_surroundings(store, made)
    return made


@pytest.fixture(scope="module")
def read_only(cluster: Cluster) -> Iterator[Store]:
    """A town that tests only read, made once."""
    with empty_store(cluster) as own:
        add_surroundings(own, build_town(own))
        yield own


@pytest.fixture(scope="module")
def ogc(read_only: Store) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(), read_only.url), raise_server_exceptions=False) as client:
        yield client


def get(client: TestClient, path: str, status: int = 200):
    answer = client.get(f"/ogc{path}")
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def ids(collection: dict) -> list:
    return [feature["id"] for feature in collection["features"]]


def test_req_core_root_op_and_root_success(ogc):
    links = {link["rel"]: link for link in get(ogc, "/")["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(links)
    for link in links.values():
        answer = ogc.get(urlsplit(link["href"]).path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, link["type"])


def test_req_core_api_definition_op_and_success(ogc):
    definition = get(ogc, "/api")
    assert definition["openapi"].startswith("3.1")
    items = definition["paths"]["/collections/{collectionId}/items"]["get"]
    named = {said["name"] for said in items["parameters"]}
    assert {"limit", "bbox", "datetime"} <= named
    assert "filter" not in named


def test_req_core_conformance_op_and_success(ogc):
    assert get(ogc, "/conformance") == {"conformsTo": list(CONFORMS_TO)}


def test_req_core_http(ogc):
    assert ogc.post("/ogc/collections").status_code == 405
    assert get(ogc, "/nowhere", 404)["code"] == "not_found"


def test_req_core_query_param_unknown(ogc):
    for path in ("/", "/conformance", "/collections", "/collections/published.roads",
                 "/collections/published.roads/items", "/collections/published.roads/items/1"):  # fmt: skip
        assert "colour" in get(ogc, f"{path}?colour=red", 400)["detail"]
    get(ogc, "/collections/published.roads/items?filter=name%3D'x'", 400)


@pytest.mark.parametrize(
    "asked",
    ["limit=0", "limit=-1", "limit=x", "bbox=1,2,3", "bbox=a,b,c,d", "bbox=0,50,10,40",
              "bbox=0,0,nan,1",
              "bbox=190,0,200,1", "datetime=yesterday", "datetime=2026-01-02T00:00:00Z/2026-01-01T00:00:00Z",
              "datetime=../..", "datetime=a/b/c", "f=html", "sortby=nothing", "name=%00"],
)  # fmt: skip
def test_req_core_query_param_invalid(ogc, asked):
    refused = get(ogc, f"/collections/published.micro_grids/items?{asked}", 400)
    assert refused["status"] == 400
    assert refused["detail"]


def test_req_core_crs84(ogc):
    box = get(ogc, "/collections/published.micro_grids")["extent"]["spatial"]
    assert box["crs"] == CRS84
    assert box["bbox"][0] == pytest.approx(BOX, abs=1e-4)
    drawn = get(ogc, "/collections/published.micro_grids/items?limit=100")["features"]
    hull = shapely.union_all([shapely.from_geojson(json.dumps(f["geometry"])) for f in drawn])
    assert hull.bounds == pytest.approx(BOX, abs=1e-4)


def test_req_core_fc_md_op_and_links_and_items(ogc):
    answer = get(ogc, "/collections")
    assert [link["rel"] for link in answer["links"]] == ["self"]
    assert [c["id"] for c in answer["collections"]] == [f"published.{name}" for name in sorted(COUNTS)]
    for collection in answer["collections"]:
        (items,) = (link for link in collection["links"] if link["rel"] == "items")
        assert items["type"] == "application/geo+json"
        assert ogc.get(urlsplit(items["href"]).path).headers["content-type"] == items["type"]


def test_req_core_fc_md_extent_is_what_is_there_now(client, store, town):
    with store.owner.begin() as owner:
        owner.execute(
            text("INSERT INTO roads (name, geom) VALUES ('x', 'SRID=4490;LINESTRING(119 30, 120 31)')")
        )
    box = get(client, "/collections/published.roads")["extent"]["spatial"]["bbox"][0]
    assert box[:2] == pytest.approx([119, 30], abs=1e-6)


def test_grids_are_claimed_up_to_today_only_as_later_versions_come_on_their_first_day(client, store, town):
    with store.owner.begin() as owner:
        owner.execute(text("SET LOCAL session_replication_role = replica"))
        # One community's grids end in a week, another version follows; the other's began ten days ago.
        owner.execute(
            text(
                "UPDATE versions SET state = 'superseded', valid_to = city_day() + 7"
                " WHERE community_id = (SELECT min(community_id) FROM versions)"
            )
        )
        owner.execute(
            text(
                "UPDATE versions SET valid_from = city_day() - 10"
                " WHERE community_id = (SELECT max(community_id) FROM versions)"
            )
        )
        began, today = owner.execute(text("SELECT city_day() - 1, city_day()")).one()
    told = get(client, "/collections/published.micro_grids")
    # Before the younger of the two began, another version may have been in force.
    assert told["extent"]["temporal"]["interval"] == [[f"{began}T00:00:00+00:00", f"{today}T23:59:59Z"]]
    assert "today" in told["description"]
    assert (
        len(get(client, f"/collections/published.micro_grids/items?datetime={today}T12:00:00Z")["features"])
        == 4
    )


def test_collections_are_listed_also_when_they_are_empty(client):
    listed = get(client, "/collections")["collections"]
    assert [c["id"] for c in listed] == [f"published.{name}" for name in sorted(COUNTS)]
    assert all("spatial" not in c.get("extent", {}) for c in listed)
    assert get(client, "/collections/published.roads/items")["features"] == []


def test_req_core_sfc_md_op_and_success(ogc):
    for listed in get(ogc, "/collections")["collections"]:
        assert get(ogc, f"/collections/{listed['id']}") == listed
    get(ogc, "/collections/published.people", 404)
    get(ogc, "/collections/weige.users", 404)
    get(ogc, "/collections/roads", 404)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_req_core_fc_op_and_response_and_counts(ogc, name):
    answer = get(ogc, f"/collections/published.{name}/items?limit=1000")
    assert answer["type"] == "FeatureCollection"
    assert (answer["numberMatched"], answer["numberReturned"]) == (COUNTS[name], COUNTS[name])
    assert len(set(ids(answer))) == COUNTS[name]


def test_req_core_fc_limit_definition_and_response(ogc):
    path = "/collections/published.micro_grids/items"
    assert get(ogc, f"{path}?limit=3")["numberReturned"] == 3
    # Above the largest the largest holds, and is no error.
    assert get(ogc, f"{path}?limit=99999999")["numberReturned"] == 4


def test_req_core_fc_links_lead_through_all_features_once(ogc):
    path, seen = "/ogc/collections/published.micro_grids/items?limit=3", []
    while path:
        answer = ogc.get(path).json()
        links = {link["rel"]: link for link in answer["links"]}
        assert urlsplit(links["self"]["href"]).path == urlsplit(path).path
        seen += ids(answer)
        following = urlsplit(links["next"]["href"]) if "next" in links else None
        path = f"{following.path}?{following.query}" if following else ""
    assert sorted(seen) == sorted(ids(get(ogc, "/collections/published.micro_grids/items")))


def test_req_core_fc_bbox_definition_and_response(ogc):
    path = "/collections/published.communities/items"
    assert ids(get(ogc, f"{path}?bbox=120,31,120.001,31.001")) == [3]
    assert ids(get(ogc, f"{path}?bbox=120,31,-100,120.001,31.001,100")) == [3]
    assert ids(get(ogc, f"{path}?bbox=10,31,11,31.001")) == []
    # Over the antimeridian: all but 10 to 20 degrees east.
    assert len(ids(get(ogc, f"{path}?bbox=20,0,10,60"))) == 2
    assert ids(get(ogc, f"{path}?bbox=170,0,10,60")) == []


def test_req_core_fc_bbox_response_takes_features_without_geometry(client, store, town):
    with store.owner.begin() as owner:
        owner.execute(text("SET session_replication_role = replica"))
        owner.execute(text("UPDATE grids SET geom = NULL WHERE number = 0 AND community_id = 3"))
        owner.execute(text("SET session_replication_role = origin"))
    assert len(ids(get(client, "/collections/published.micro_grids/items?bbox=10,31,11,32"))) == 1


def test_req_core_fc_time_definition_and_response(ogc):
    path = "/collections/published.micro_grids/items"
    for asked, n in [("2100-01-01T00:00:00Z", 4), ("1990-01-01T00:00:00Z", 0), ("../1990-01-01T00:00:00Z", 0),
                     ("1990-01-01T00:00:00Z/..", 4), ("1990-01-01T00:00:00Z/2100-01-01T00:00:00Z", 4),
                     ("/2100-01-01T00:00:00Z", 4)]:  # fmt: skip
        assert len(ids(get(ogc, f"{path}?datetime={asked}"))) == n, asked
    # What has no time matches every time.
    assert len(ids(get(ogc, "/collections/published.roads/items?datetime=1990-01-01T00:00:00Z"))) == 2


def test_rec_core_fc_filters_by_property_and_quotes_what_it_is_told(ogc):
    path = "/collections/published.micro_grids/items"
    assert len(ids(get(ogc, f"{path}?community_id=c000000"))) == 2
    assert ids(get(ogc, f"{path}?community_id=' OR '1'='1")) == []


def test_req_core_f_op_and_success_and_links(ogc):
    for name in COUNTS:
        first = get(ogc, f"/collections/published.{name}/items?limit=1")["features"][0]
        item = get(ogc, f"/collections/published.{name}/items/{first['id']}")
        assert (item["id"], item["geometry"]) == (first["id"], first["geometry"])
        links = {link["rel"]: urlsplit(link["href"]).path for link in item["links"]}
        assert links["self"] == f"/ogc/collections/published.{name}/items/{first['id']}"
        assert links["collection"] == f"/ogc/collections/published.{name}"
    for absent in ("published.roads/items/99999", "published.roads/items/x",
                   f"published.roads/items/{10**30}",
                   "published.micro_grids/items/x", "published.nothing/items/1"):  # fmt: skip
        get(ogc, f"/collections/{absent}", 404)


def test_tiles_conf_core_and_tilesets(ogc):
    listed = get(ogc, "/collections/published.micro_grids/tiles")["tilesets"]
    assert len(listed) == 1
    assert any("published.micro_grids" in link["href"] for link in listed[0]["links"])
    assert get(ogc, "/tileMatrixSets")["tileMatrixSets"][0]["id"] == "WebMercatorQuad"
    grid = get(ogc, "/collections/published.micro_grids/items?limit=1")["features"][0]["geometry"]
    spot = shapely.geometry.shape(grid).representative_point()
    x = int((spot.x + 180) / 360 * 2**13)
    y = int((1 - math.asinh(math.tan(math.radians(spot.y))) / math.pi) / 2 * 2**13)
    tile = ogc.get(f"/ogc/collections/published.micro_grids/tiles/WebMercatorQuad/13/{x}/{y}")
    assert (tile.status_code, tile.headers["content-type"]) == (200, "application/vnd.mapbox-vector-tile")
    assert len(tile.content) > 200


def test_no_page_of_tipg_and_no_address_of_elsewhere_is_served(ogc):
    for path in ("/", "/collections", "/collections/published.roads/items", "/tileMatrixSets"):
        answer = ogc.get(f"/ogc{path}", headers={"Accept": "text/html"})
        assert "html" not in answer.headers["content-type"]
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    for path in ("/api.html", "/docs", "/collections/published.roads/viewer.html",
                 "/collections/published.roads/tiles/WebMercatorQuad/map.html"):  # fmt: skip
        assert ogc.get(f"/ogc{path}").status_code == 404


def test_the_database_knows_this_part_as_the_public(store):
    with store.owner.connect() as owner:
        owner.execute(text("SET ROLE weige_public"))
        tables = owner.execute(
            text(
                "SELECT n.nspname, c.relname, p.privilege_type FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = c.relnamespace,"
                " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (privilege_type)"
                " WHERE n.nspname IN ('weige', 'published') AND c.relkind IN ('r', 'v', 'p')"
                " AND has_table_privilege(c.oid, p.privilege_type)"
            )
        ).all()
    assert {tuple(row) for row in tables} == {("published", name, "SELECT") for name in COUNTS}


def test_links_carry_the_public_address_behind_a_proxy(read_only):
    with TestClient(
        create_app(Settings(public_url="https://grid.example.cn/weige"), read_only.url)
    ) as client:
        for path in ("/", "/collections", "/collections/published.roads/items?limit=1",
                     "/collections/published.roads/tiles"):  # fmt: skip
            told = client.get(f"/ogc{path}").text
            assert "https://grid.example.cn/weige/ogc/" in told
            assert "testserver" not in told


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def address(read_only: Store) -> Iterator[str]:
    # A process of its own: GDAL does not let other threads of Python run while it waits for an answer.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = (
        "import sys, uvicorn; from api.main import create_app; from api.settings import Settings;"
        "uvicorn.run(create_app(Settings(), sys.argv[1]), port=int(sys.argv[2]), log_level='warning')"
    )
    server = subprocess.Popen([sys.executable, "-c", script, read_only.url, str(port)])
    try:
        while server.poll() is None and not answers(port):
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/ogc"
    finally:
        server.terminate()
        server.wait()


def test_gdal_reads_every_collection(address, read_only):
    listed = {name for name, _ in pyogrio.list_layers(f"OAPIF:{address}")}
    assert listed == {f"published.{name}" for name in COUNTS}
    for name, n in COUNTS.items():
        rows = pyogrio.read_dataframe(f"OAPIF:{address}", layer=f"published.{name}")
        assert (len(rows), rows.crs.to_epsg() or rows.crs.to_authority()[1]) in ((n, 4326), (n, "CRS84"))
        with read_only.owner.connect() as owner:
            asked = text(f"SELECT ST_AsBinary(geom) FROM published.{name}")
            stored = owner.execute(asked).scalars().all()
        whole = shapely.union_all([shapely.from_wkb(bytes(shape)) for shape in stored])
        assert shapely.hausdorff_distance(shapely.union_all(rows.geometry.to_numpy()), whole) < 1e-8
    grids = pyogrio.read_dataframe(f"OAPIF:{address}", layer="published.micro_grids")
    assert grids.households.sum() == 256


def test_owslib_reads_every_collection(address):
    service = Features(address)
    assert sorted(service.feature_collections()) == [f"published.{name}" for name in sorted(COUNTS)]
    for name, n in COUNTS.items():
        assert service.collection(f"published.{name}")["crs"] == [CRS84]
        answer = service.collection_items(f"published.{name}", limit=100)
        assert answer["numberMatched"] == len(answer["features"]) == n
        west, south, east, north = shapely.total_bounds(
            [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in answer["features"]]
        )
        assert 119.99 < west < east < 120.01
        assert 30.99 < south < north < 31.01


def test_connections_that_the_server_ended_meanwhile_are_not_used(client: TestClient, store: Store):
    paths = (
        "/ogc/collections",
        "/ogc/collections/published.micro_grids/items",
        "/tiles/communities/12/3/3.mvt",
    )
    for path in paths:
        assert client.get(path).status_code < 500
    for _ in range(3):
        with store.owner.begin() as owner:
            owner.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE datname = current_database() AND pid <> pg_backend_pid()")
            )  # fmt: skip
        time.sleep(0.5)
        for path in paths:
            assert client.get(path).status_code < 500, path
