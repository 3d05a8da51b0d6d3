import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.personal import has_personal_name
from geo.personal_numbers import is_identity_number, is_personal, masked


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
