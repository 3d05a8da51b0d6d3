import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.columns import (
    has_personal_name,
    is_identity_number,
    is_personal,
    masked,
    recognised,
    without_control_characters,
)
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


def test_two_possible_columns_stop_and_print_the_option() -> None:
    with pytest.raises(InputError) as caught:
        recognised("units", ["hh", "总户数"], fields={})

    assert caught.value.values["option"] == "--field units.households=hh"
    assert recognised("units", ["hh", "总户数"], fields={"households": "总户数"})["households"] == 1


def test_lon_and_lat_count_only_where_there_is_no_geometry() -> None:
    assert recognised("units", ["lon", "lat", "经度"], fields={}) == {}
    assert recognised("units", ["经度", "纬度"], fields={}, with_place=True) == {"lon": 0, "lat": 1}


@pytest.mark.parametrize(
    "name",
    [
        "phone",
        "Phone_No",
        "contactPhone",
        "mobile",
        "TEL",
        "联系电话",
        "手机号码",
        "身份证号",
        "姓名",
        "户主",
        "id_card",
        "ID_NUMBER",
    ],
)
def test_names_of_personal_columns(name: str) -> None:
    assert has_personal_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "hotel",
        "unit_id",
        "households",
        "telegraph",
        "名称",
        "地址",
        "automobile",
        "community_id",
        "name",
        "kind",
    ],
)
def test_names_of_other_columns(name: str) -> None:
    assert not has_personal_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "0511-86881234",
        "(0511)86881234",
        "11010519491231002X",
        "１３８１２３４５６７８",
    ],
)
def test_telephone_and_identity_numbers(text: str) -> None:
    assert is_personal(text)
    assert masked(f"找{text}问") == "找***问"


@pytest.mark.parametrize(
    "text",
    [
        "12812345678",
        "138123456789",
        "320981001001",
        "110105194912310021",
        "2024-03-01",
        "119.6123456",
        "U-13",
        "",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert not is_personal(text)
    assert masked(text) == text


@given(st.integers(0, 10**17 - 1))
def test_exactly_one_check_character_makes_an_identity_number(number: int) -> None:
    digits = f"{number:017d}"

    assert sum(is_identity_number(digits + check) for check in "0123456789X") == 1


@given(st.text())
def test_no_control_character_is_left_and_direction_marks_stay(text: str) -> None:
    clean = without_control_characters(text + "\u202e")

    assert clean.endswith("\u202e")
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in clean)
    clean.encode("utf-8")
