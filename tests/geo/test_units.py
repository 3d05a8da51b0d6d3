import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import InputError
from geo.repair import Place
from geo.units import households, require_ids, row_labels, texts, truths


def objects(*values: object) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


PLACE = Place("f.gpkg", "units", ["a", "b", "c", "d", "e", "f", "g"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (objects(" a ", "", None, "  "), ["a", None, None, None]),
        (objects(1, 1.0, 1.5, float("nan"), True), ["1", "1", "1.5", None, "true"]),
        (np.array([320981001001, 7]), ["320981001001", "7"]),
        (np.array([320981001001.0, np.nan]), ["320981001001", None]),
        (np.array([True, False]), ["true", "false"]),
        (objects("007", "320981001001"), ["007", "320981001001"]),
    ],
)
def test_values_as_text(values: np.ndarray, expected: list[str | None]) -> None:
    assert texts(values).tolist() == expected


@given(st.integers(0, 2**53))
def test_a_code_is_the_same_text_from_text_integer_and_decimal(code: int) -> None:
    assert set(texts(objects(str(code), code, float(code)))) == {str(code)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (objects("0", " 12 ", "+3", "4.0", "5."), [0, 12, 3, 4, 5]),
        (objects("１２", " ９0"), [12, 90]),
        (objects(0, 12.0, np.int32(3)), [0, 12, 3]),
        (np.array([1.0, 2.0]), [1, 2]),
        (np.array([1, 2], dtype=np.uint8), [1, 2]),
    ],
)
def test_counts_that_are_whole(values: np.ndarray, expected: list[int]) -> None:
    counts = households(values, PLACE, "households")

    assert counts.tolist() == expected
    assert counts.dtype == np.int64


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "count_missing"),
        (" ", "count_missing"),
        ("-1", "count_negative"),
        (-1, "count_negative"),
        (0.5, "count_fractional"),
        ("1.5", "count_fractional"),
        ("1e3", "count_unreadable"),
        ("٣", "count_unreadable"),
        ("1_000", "count_unreadable"),
        (True, "count_unreadable"),
        ("1,234", "count_unreadable"),
        ("12²", "count_unreadable"),
        ("9" * 20, "count_absurd"),
        ("9" * 400, "count_absurd"),
        (float("inf"), "count_unreadable"),
        (10**400, "count_absurd"),
        (-(10**400), "count_negative"),
        (10**12, "count_absurd"),
    ],
)
def test_counts_that_are_refused(value: object, code: str) -> None:
    with pytest.raises(InputError) as caught:
        households(objects(1, value, 2), PLACE, "户数")

    assert (caught.value.code, caught.value.field, caught.value.feature) == (code, "户数", "b")
    assert caught.value.values["n"] == 1


def test_missing_and_repeated_ids_are_refused_at_the_first() -> None:
    with pytest.raises(InputError) as missing:
        require_ids(objects("a", None, None), PLACE, "id")
    with pytest.raises(InputError) as repeated:
        require_ids(objects("a", "b", "a", "b"), PLACE, "id")

    assert (missing.value.code, missing.value.feature, missing.value.values["n"]) == ("id_missing", "b", 2)
    assert (repeated.value.code, repeated.value.feature, repeated.value.values["n"]) == (
        "id_repeated",
        "c",
        4,
    )


def test_rows_are_named_by_id_else_by_number() -> None:
    assert row_labels(["a", None], 2, 1) == ["a", "#2"]
    assert row_labels(None, 2, 2) == ["#2", "#3"]
    assert len(row_labels(["x" * 1000], 1, 1)[0]) < 100


def test_words_for_yes_and_no() -> None:
    found, strange = truths(objects("Yes", "FALSE", 1, 0, None, "是", "maybe"), default=True)

    assert found.tolist() == [True, False, True, False, True, True, True]
    assert strange == ["maybe"]
