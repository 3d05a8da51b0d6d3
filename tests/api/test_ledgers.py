"""The ledger of a version: every sheet opened again and counted, and nothing typed becomes a formula."""

from __future__ import annotations

import io

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import text

from api.database import Store
from tests.api.place import Place, draw_community, token_for

CODE = "320924001001"
FIRST, SECOND = f"{CODE}001", f"{CODE}002"
HOUSEHOLDS = [[10, 20, 30, 20], [10, 20, 30, 20]]
FORMULA = '=HYPERLINK("http://x","点")'


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, HOUSEHOLDS)


def opened(client: TestClient, address: str, headers: dict[str, str]):
    said = client.get(address, headers=headers)
    assert said.status_code == 200, said.text
    assert said.headers["Content-Disposition"].endswith('.xlsx"')
    book = load_workbook(io.BytesIO(said.content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}, book


def test_a_draft_tells_its_grids_units_and_what_moved_since_it_was_forked(client, store, place):
    planner = {**token_for(store, "planner", "planner"), "If-Match": "*"}
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE grids SET name = :name WHERE number = 0"), {"name": FORMULA})
        owner.execute(text("UPDATE units SET address = '+cmd|x' WHERE number = 0"))
    draft = client.post(f"/api/v1/versions/{place.version_id}/fork", headers=planner).json()["id"]
    edit = {"action": "paint", "moves": [{"unit_ids": ["u02"], "to": FIRST}]}
    assert client.post(f"/api/v1/versions/{draft}/edits", json=edit, headers=planner).status_code == 201

    sheets, book = opened(client, f"/api/v1/versions/{draft}/ledger", planner)

    assert list(sheets) == ["微网格", "单元", "编码对照", "户数变动"]
    heading, *grids = sheets["微网格"]
    assert heading[:5] == ("网格编码", "名称", "类型", "户数", "单元数")
    assert [row[:5] for row in grids] == [
        (FIRST, FORMULA, "基础网格", 90, 5), (SECOND, None, "基础网格", 70, 3),
    ]  # fmt: skip
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    heading, *units = sheets["单元"]
    assert heading[-2:] == ("原网格", "新网格")
    assert len(units) == 8
    assert [row[-2:] for row in units if row[0] == "u02"] == [(SECOND, FIRST)]
    assert sum(row[1] for row in units) == 160
    assert sheets["户数变动"][1:] == [(SECOND, FIRST, 1, 30)]
    codes = {row[0]: row[1] for row in sheets["编码对照"][1:]}
    assert codes == {FIRST: "调整", SECOND: "调整"}


def test_without_a_version_before_there_are_grids_and_units_alone(client, store, place):
    planner = token_for(store, "planner", "planner")
    sheets, _ = opened(client, f"/api/v1/versions/{place.version_id}/ledger?lang=en", planner)
    assert [len(rows) for rows in sheets.values()] == [3, 9]

    itself = f"/api/v1/versions/{place.version_id}/ledger?against={place.version_id}"
    sheets, _ = opened(client, itself, planner)
    assert len(sheets) == 4
    far = draw_community(store, "320924001002", HOUSEHOLDS, lon=121)
    other = client.get(
        f"/api/v1/versions/{place.version_id}/ledger?against={far.version_id}", headers=planner
    )
    assert other.status_code == 409
