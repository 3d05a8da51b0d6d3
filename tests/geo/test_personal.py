from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from geo.formats.raw import RawTable
from geo.personal import (
    has_personal_name,
    looks_like_a_name,
    personal_columns,
    require_no_persons,
    require_numbered,
)
from geo.personal_numbers import holds_number, is_identity_number, is_personal, masked


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
        "１３８－１２３４－５６７８",
        "138.1234.5678",
        "138\u00a01234\u202f5678",
        "138\u20111234\u20115678",
        "110105 19491231 002X",
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
        "135.12345678",
        "320706200105030002",
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


@pytest.mark.parametrize(
    "text",
    [
        "张三 13812345678",
        "M13812345678",
        "+8613812345678",
        "电话0518-85412345转2",
        "110105 11010519491231002X",
    ],
)
def test_numbers_within_texts(text: str) -> None:
    assert holds_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "119.13812345678",  # a longitude
        "34.051285412345",
        "6f1d2c3b-4a5e-4b6c-8d7e-13812345678a",  # a UUID
        "0000000001",  # a serial number
        "320706001001",
        "1号楼2单元",
        "2026-01-05 08:30:00",
    ],
)
def test_numbers_that_name_nobody(text: str) -> None:
    assert not holds_number(text)


def is_refused(check: Callable[..., None], *given: object, **named: object) -> bool:
    try:
        check(*given, **named)
    except InputError:
        return True
    return False


def table_of(*names: str) -> RawTable:
    return RawTable("m.csv", None, names, (np.array(["M1"], object),) * len(names), None, None)


@pytest.mark.parametrize(
    "name", ["contact", "Contact Person", "中心户", "中心户姓名", "村联系人", "联户长", "负责人"]
)
def test_names_of_people_at_the_places_of_members(name: str) -> None:
    with pytest.raises(InputError, match="names, telephones"):
        require_no_persons(table_of(name), {}, "members")


@pytest.mark.parametrize(
    "name", ["member_id", "中心户编号", "中心户数", "党员户数", "hotel", "联户点编号", "地址"]
)
def test_names_of_other_columns_at_the_places_of_members(name: str) -> None:
    assert not is_refused(require_no_persons, table_of(name), {}, "members")


@pytest.mark.parametrize("text", ["王芳", "李建国", "欧阳明", "司马光远", "张三"])
def test_names_of_persons_by_their_look(text: str) -> None:
    assert looks_like_a_name(text)


@pytest.mark.parametrize(
    "text",
    ["王庄", "李家湾", "张集村", "M1", "王芳1号", "3栋", "金色家园", "和平里", "幸福小区", "甲", "东关苑"],
)
def test_names_of_places_and_numbers_look_otherwise(text: str) -> None:
    assert not looks_like_a_name(text)


def test_ids_most_of_which_look_like_names_are_refused_and_none_is_told() -> None:
    with pytest.raises(InputError) as refused:
        require_numbered(np.array(["王芳", "李建国", "3栋", None], object), file="m.csv", layer="members")

    assert refused.value.values == {"n": 2, "of": 3}
    assert "王" not in str(refused.value)


@pytest.mark.parametrize("ids", [["王庄", "李家湾", "金山"], ["王芳"], ["M1", "M2", "王芳", "李强"], []])
def test_ids_of_places_pass(ids: list[str]) -> None:
    assert not is_refused(require_numbered, np.array(ids, object), file="m.csv", layer="members")


def test_who_answers_for_a_station_is_not_read_and_its_name_is() -> None:
    table = table_of("name", "负责人", "Contact person", "联络员电话", "管理单位", "设施")

    dropped, findings = personal_columns(table, "stations", {"name": 0})

    assert dropped == {1, 2, 3}
    assert {finding.code for finding in findings} == {"personal_column_dropped"}
    assert personal_columns(table, "units", {"name": 0})[0] == {3}
