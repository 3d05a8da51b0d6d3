import pytest

from geo.columns import recognised
from geo.errors import InputError


@pytest.mark.parametrize(
    ("kind", "column", "names"),
    [
        ("units", "unit_id", ["unit_id", "UNIT_ID", "单元编号"]),
        ("units", "households", ["households", "hh", "HH", "户数", "总户数"]),
        ("units", "community_id", ["community_id", "Comm_ID", "社区编码", "社区编号"]),
        ("units", "building_id", ["building_id", "Building", "楼栋", "楼幢"]),
        ("units", "address", ["address", "Addr", "地址", "详细地址", "门牌地址", "标准地址"]),
        ("communities", "name", ["name", "NAME", "名称"]),
        ("roads", "road_class", ["class", "road_class", "highway", "fclass"]),
        ("roads", "bridge", ["bridge"]),
        ("grids", "grid_id", ["grid_id", "网格编码"]),
    ],
)
def test_the_names_of_the_offices_are_recognised(kind: str, column: str, names: list[str]) -> None:
    for name in names:
        assert recognised(kind, ["x", f" {name} "], fields={})[column] == 1


def test_a_register_of_stations_has_the_ids_of_candidates_unless_it_has_their_own() -> None:
    assert recognised("candidates", ["编号"], fields={})["candidate_id"] == 0
    assert recognised("candidates", ["station_id", "candidate_id"], fields={})["candidate_id"] == 1


def test_what_stands_for_a_column_does_so_in_an_order_and_never_beside_it() -> None:
    exported = ["external_number", "case_number", "small_name", "state", "reported_at"]

    assert recognised("incidents", exported, fields={}) == {
        "case_id": 1,
        "kind": 2,
        "state": 3,
        "reported_at": 4,
    }
    assert recognised("incidents", [*exported, "case_id", "类别"], fields={})["case_id"] == 5
    assert recognised("incidents", ["小类名称", "受理编号", "办理状态"], fields={}) == {
        "kind": 0,
        "case_id": 1,
        "state": 2,
    }


def test_two_possible_columns_stop_and_print_the_option() -> None:
    with pytest.raises(InputError) as caught:
        recognised("units", ["hh", "总户数"], fields={})

    assert caught.value.values["option"] == "--field units.households=hh"
    assert recognised("units", ["hh", "总户数"], fields={"households": "总户数"})["households"] == 1


def test_lon_and_lat_count_only_where_there_is_no_geometry() -> None:
    assert recognised("units", ["lon", "lat", "经度"], fields={}) == {}
    assert recognised("units", ["经度", "纬度"], fields={}, with_place=True) == {"lon": 0, "lat": 1}
