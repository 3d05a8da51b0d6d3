"""Delimited text of more rows than are read at once."""

import pytest

from geo.errors import InputError
from geo.formats import delimited
from geo.formats.delimited import read_delimited

N_ROWS = 2 * delimited._ROWS_AT_ONCE + 50


def table(*rows: str) -> bytes:
    return "\n".join(("编号,名称", *rows)).encode()


def test_all_rows_are_read_in_their_order_without_blank_ones_and_blanks_around_cells() -> None:
    rows = [f" {at} ,{'  ' if at % 3 == 0 else '同名 '}" for at in range(N_ROWS)]

    read = read_delimited(table(*rows[:7], "", " , ", *rows[7:]), "t.csv")

    assert read.names == ("编号", "名称")
    assert read.values[0].tolist() == [str(at) for at in range(N_ROWS)]
    assert read.values[1].tolist() == [None if at % 3 == 0 else "同名" for at in range(N_ROWS)]


def test_a_row_of_another_length_is_named_by_its_number_wherever_it_stands() -> None:
    rows = [f"{at},名" for at in range(N_ROWS)]
    rows[N_ROWS - 2] += ",多"

    with pytest.raises(InputError) as refused:
        read_delimited(table(*rows), "t.csv")

    assert (refused.value.code, refused.value.feature) == ("row_length", f"#{N_ROWS}")
