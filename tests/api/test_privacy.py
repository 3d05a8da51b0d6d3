"""Counts and places only: no table has a column for a person, and texts that tell of one are refused."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.database import Store
from geo.personal import has_personal_name

# Accounts are of posts; their names sign what was done.
ALLOWED = {("users", "name")}
# Words of a person beside those of geo/columns.toml; a column is refused that has one of them in its name.
WORDS = frozenset(
    ("phone", "mobile", "tel", "telephone", "contact", "resident", "reporter", "caller", "citizen", "person",
     "birth", "gender", "age", "flat", "room", "idcard", "identity", "member", "track")
)  # fmt: skip


def names_a_person(column: str) -> bool:
    return has_personal_name(column) or bool(WORDS & set(column.split("_")))


def test_the_rule_knows_columns_of_people():
    for column in ("contact_phone", "resident_name", "id_card", "reporter_phone", "联系电话", "room"):
        assert names_a_person(column), column


def test_no_table_has_a_column_for_a_person(store: Store):
    with store.owner.connect() as owner:
        columns = owner.execute(
            text("SELECT table_schema, table_name, column_name FROM information_schema.columns"
                 " WHERE table_schema IN ('weige', 'published')")
        ).all()  # fmt: skip
    tables = {row.table_name for row in columns}
    assert {"cases", "case_arrivals", "log", "units"} <= tables
    found = [
        (row.table_name, row.column_name)
        for row in columns
        if names_a_person(row.column_name) and (row.table_name, row.column_name) not in ALLOWED
    ]
    assert found == []


@pytest.mark.parametrize(
    "said", ["13812345678", "请回电138-1234-5678谢谢", "32092419900101123X", "证110105199001011234。"]
)
@pytest.mark.parametrize("column", ["text", "address"])
def test_the_table_of_cases_itself_refuses_numbers_of_people(store: Store, said: str, column: str):
    with pytest.raises(DBAPIError, match="impersonal"), store.owner.begin() as owner:
        owner.execute(
            text(f"""
                INSERT INTO cases (number, kind, edition, category, state, area_id, area, place, channel,
                                   reported_at, text{"" if column == "text" else ", address"})
                SELECT '0000000000000000001', 'incident', 'unverified-A', 'E0102', 'reported', id, path,
                       'area', 'desk', now(), {":said" if column == "text" else "'', :said"}
                FROM divisions"""),
            {"said": said},
        )
