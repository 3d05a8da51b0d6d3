from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.columns import canonical_columns
from geo.layers import LayerKind, read_layer
from geo.plan_layers import read_plan_layers
from geo.synthetic import SampleCity, sample_city, write_sample

SHAPEFILES = Path(__file__).parents[2] / "data" / "shapefiles"
LAYERS = sorted(path.parent for path in SHAPEFILES.glob("*/*/layer.toml"))
PERSONAL = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)0\d{2,3}-?\d{7,8}(?!\d)|\d室|先生|女士|阿姨|师傅")


@pytest.fixture(scope="module")
def city() -> SampleCity:
    return sample_city()


@pytest.fixture(scope="module", params=[1, 2, 3])
def other_city(request: pytest.FixtureRequest) -> SampleCity:
    return sample_city(request.param)


def overlaps_m2(layer: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    shapes, others = layer.geometry.to_numpy(), other.geometry.to_numpy()
    left, right = shapely.STRtree(others).query(shapes, predicate="intersects")
    area_m2 = shapely.area(shapely.intersection(shapes[left], others[right]))
    return [(int(a), int(b)) for a, b in zip(left[area_m2 > 1e-6], right[area_m2 > 1e-6], strict=True)]


def test_the_same_seed_gives_the_same_town(city: SampleCity) -> None:
    again = sample_city()
    for layer in fields(SampleCity):
        assert getattr(city, layer.name).equals(getattr(again, layer.name))


def test_another_seed_gives_another_town(city: SampleCity, other_city: SampleCity) -> None:
    assert not city.units.equals(other_city.units)


def test_committed_layers_are_the_town_of_seed_0(tmp_path: Path) -> None:
    write_sample(tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    committed = SHAPEFILES / "sample"
    assert written == {path.relative_to(committed): path.read_bytes() for path in committed.rglob("*.*")}


def test_the_town_has_the_size_of_three_communities(city: SampleCity) -> None:
    assert len(city.units) == 400
    assert city.units.households.sum() == 2993
    assert city.units.groupby("community_id").households.sum().to_dict() == {
        "320706001001": 581,
        "320706001007": 1787,
        "320706011004": 625,
    }


def test_every_town_has_2500_to_3500_households(other_city: SampleCity) -> None:
    assert 350 <= len(other_city.units) <= 600
    assert 2_500 <= other_city.units.households.sum() <= 3_500


def test_communities_bear_real_codes_of_twelve_digits_and_names(city: SampleCity) -> None:
    named = dict(zip(city.communities.community_id, city.communities.name, strict=True))
    assert named == {
        "320706001001": "西门社区居委会",
        "320706001007": "秦东门社区居委会",
        "320706011004": "砚池社区居委会",
    }


@pytest.mark.parametrize("name", ["秦东门大街", "西门路", "新建路"])
def test_streets_of_the_reports_are_there(city: SampleCity, name: str) -> None:
    assert name in set(city.roads.name)


def test_building_2_of_jianhuayuan_has_stairwells(city: SampleCity) -> None:
    compound = city.compounds.set_index("name").loc["建华园"]
    stairwells = city.units[city.units.address.str.startswith("建华园2号楼")]
    assert list(stairwells.address) == [f"建华园2号楼{i}单元" for i in range(1, len(stairwells) + 1)]
    assert len(stairwells) >= 2
    assert set(stairwells.compound_id) == {compound.compound_id}
    assert stairwells.building_id.nunique() == 1
    assert stairwells.within(compound.geometry).all()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("秦东门大街68号楼下水道盖板破损", "市政设施"),
        ("建华园2号楼水管爆裂", "给排水"),
        ("西门路沿街商户需要沙袋", "防汛排涝"),
    ],
)
def test_cases_of_the_reports_are_there_at_their_place(city: SampleCity, text: str, kind: str) -> None:
    case = city.incidents.set_index("text").loc[text]
    assert case.kind == kind
    if "号楼" in text:
        place = city.units[city.units.address.str.startswith(text[: text.index("号楼") + 2])]
    else:
        place = city.roads[city.roads.name == "西门路"]
    assert place.distance(case.geometry).min() < 0.1


def test_cases_lie_within_one_month_and_in_the_loop(city: SampleCity) -> None:
    assert set(city.incidents.state) <= {"收集", "上报", "分拨", "处置", "核查", "结案"}
    assert city.incidents.reported_at.is_monotonic_increasing
    assert set(city.incidents.reported_at.str[:7]) == {"2025-06"}
    assert city.incidents.case_id.is_unique


def test_stations_of_all_four_types_stand_in_buildings_where_nobody_lives_above(city: SampleCity) -> None:
    assert set(city.stations["type"]) == {"党群服务中心", "党建微家", "暖心驿站", "红色驿站"}
    assert city.stations.geometry.intersects(city.units.union_all()).all()
    assert (city.stations.facilities[city.stations["type"] == "暖心驿站"].str.count(";") == 7).all()
    assert (city.stations.facilities[city.stations["type"] == "红色驿站"].str.count(";") == 9).all()


def test_buildings_do_not_overlap_but_for_the_one_that_stands_on_another(other_city: SampleCity) -> None:
    units = other_city.units
    pairs = [(a, b) for a, b in overlaps_m2(units, units) if a < b]
    assert [(units.kind[a], units.kind[b]) for a, b in pairs] == [("market", "slab")]
    (lower, upper), *_ = pairs
    assert units.geometry[lower].equals(units.geometry[upper])
    assert (units.households[lower], units.households[upper]) == (0, 22)


@pytest.mark.parametrize("kind", ["roads", "water", "barriers"])
def test_buildings_stand_clear_of(city: SampleCity, kind: str) -> None:
    layer = getattr(city, kind)
    assert city.units.distance(layer.union_all()).min() > 0.5


def test_stairwells_of_a_building_share_whole_walls(city: SampleCity) -> None:
    slabs = city.units[city.units.kind == "slab"]
    for _, stairwells in slabs.groupby("building_id"):
        assert shapely.coverage_is_valid(stairwells.geometry.to_numpy())
        assert shapely.union_all(stairwells.geometry.to_numpy()).geom_type == "Polygon"


def test_communities_match_edge_to_edge_and_cut_no_building(other_city: SampleCity) -> None:
    shapes = other_city.communities.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    home = other_city.communities.set_index("community_id").geometry.loc[other_city.units.community_id]
    assert shapely.within(other_city.units.geometry.to_numpy(), home.to_numpy()).all()


def test_roads_are_connected(other_city: SampleCity) -> None:
    ends = shapely.get_coordinates(
        np.concatenate(
            [
                shapely.get_point(other_city.roads.geometry.to_numpy(), 0),
                shapely.get_point(other_city.roads.geometry.to_numpy(), -1),
            ]
        )
    )
    _, node = np.unique(ends, axis=0, return_inverse=True)
    left, right = np.split(node.ravel(), 2)
    reached, grown = {int(left[0])}, True
    while grown:
        met = np.isin(left, list(reached)) | np.isin(right, list(reached))
        grown = bool(set(left[met]) | set(right[met])) and not (set(left[met]) | set(right[met])) <= reached
        reached |= {int(n) for n in left[met]} | {int(n) for n in right[met]}
    assert reached == set(node.ravel().tolist())


def test_bridges_lead_over_the_river(city: SampleCity) -> None:
    river = city.water.geometry[city.water.kind == "river"].iloc[0]
    bridges = city.roads[city.roads.bridge == "yes"]
    assert len(bridges) == 4
    assert set(bridges.name) >= {"秦东门大街", "新建路"}
    assert bridges.crosses(river).all()
    assert not city.roads[city.roads.bridge == "no"].intersects(river).any()


def test_the_island_in_the_moat_has_31_households_and_no_road(city: SampleCity) -> None:
    island = city.compounds.set_index("compound_id").geometry["HXZ"]
    assert city.units.households[city.units.compound_id == "HXZ"].sum() == 31
    assert not city.roads.intersects(island).any()


def test_gates_stand_in_the_wall_and_on_a_road(city: SampleCity) -> None:
    walls = city.compounds.set_index("compound_id").boundary
    gates = city.gates[city.gates.kind == "gate"]
    assert (
        gates.distance(gpd.GeoSeries(walls.loc[gates.compound_id].to_numpy(), gates.index, city.gates.crs))
        < 0.01
    ).all()
    assert (city.gates.distance(city.roads.union_all()) < 0.01).all()


def test_hard_cases_are_there(city: SampleCity) -> None:
    over = city.units[city.units.households > 100]
    assert list(over.households) == [132]
    assert list(over.kind) == ["tower"]
    vacant = city.units[(city.units.households == 0) & (city.units.kind == "slab")]
    assert len(vacant) == 1
    public = city.units[city.units.kind.isin(["school", "market", "hospital", "public"])]
    assert len(public) == 10
    assert public.households.sum() == 0


def test_no_layer_has_a_column_for_a_person(city: SampleCity) -> None:
    columns = {
        layer.name: set(getattr(city, layer.name).columns) - {"geometry"} for layer in fields(SampleCity)
    }
    assert columns == {
        "units": {
            "unit_id",
            "households",
            "building_id",
            "compound_id",
            "community_id",
            "address",
            "kind",
            "floors",
        },
        "communities": {"community_id", "name", "town"},
        "roads": {"name", "road_class", "bridge"},
        "water": {"name", "kind"},
        "barriers": {"name", "kind"},
        "gates": {"name", "compound_id", "kind"},
        "compounds": {"compound_id", "name", "walled"},
        "stations": {"station_id", "name", "type", "facilities", "opening_hours"},
        "incidents": {"case_id", "kind", "category", "state", "reported_at", "text"},
    }


@pytest.mark.parametrize("kind", [layer.name for layer in fields(SampleCity)])
def test_no_value_is_a_telephone_a_flat_or_a_form_of_address(city: SampleCity, kind: str) -> None:
    values = getattr(city, kind).drop(columns="geometry").astype("string").to_numpy().ravel()
    assert not [value for value in values if PERSONAL.search(str(value))]


@pytest.mark.parametrize("folder", LAYERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_layer_toml_is_complete(folder: Path) -> None:
    told = tomllib.loads((folder / "layer.toml").read_text(encoding="utf-8"))
    assert {"title", "file", "origin", "generator", "date", "crs", "encoding", "licence", "features"} <= set(
        told
    )
    kind = _kind(folder)
    layer = read_layer(str(folder / told["file"]), kind)
    assert len(layer.frame) == told["features"]
    assert layer.crs is not None
    assert layer.crs.to_epsg(min_confidence=25) == int(told["crs"].removeprefix("EPSG:"))
    header = gpd.read_file(folder / told["file"], rows=1) if told["file"].endswith(".shp") else None
    if header is not None:
        assert set(header.columns) - {"geometry"} == set(told["columns"])
        assert (folder / told["file"]).with_suffix(".cpg").read_text() == "UTF-8"
    if folder.parent.name == "kymenlaakso":
        assert told["licence"] == "ODbL-1.0"
        assert told["attribution"] == "(c) OpenStreetMap contributors"
        assert told["rule"]
    else:
        assert told["origin"] == "invented"


def _kind(folder: Path) -> LayerKind:
    kind = folder.name
    assert canonical_columns(kind)
    return kind  # type: ignore[return-value]


@pytest.mark.parametrize("place", sorted({folder.parent.name for folder in LAYERS}))
def test_committed_layers_are_read_without_a_warning(place: str) -> None:
    kinds = [folder for folder in LAYERS if folder.parent.name == place and next(folder.glob("*.shp"), None)]
    layers = read_plan_layers({_kind(folder): str(next(folder.glob("*.shp"))) for folder in kinds})
    assert list(layers.findings) == []
