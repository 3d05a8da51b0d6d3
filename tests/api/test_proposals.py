"""What the engine proposes for a draft over the API, and that an edit of its moves gives just that."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.database import Store
from tests.api.place import Place, draw_community, token_for

# Three grids of two columns: 130, 40 and 100 households.
HOUSEHOLDS = [[30, 35, 10, 10, 25, 25], [30, 35, 10, 10, 25, 25]]
CODE = "320924001001"


@pytest.fixture
def place(store: Store) -> Place:
    return draw_community(store, CODE, HOUSEHOLDS)


@pytest.fixture
def asked(client: TestClient, store: Store, place: Place):
    headers = {**token_for(store, "planner", "planner"), "If-Match": "*"}
    version = f"/api/v1/versions/{place.version_id}"

    def ask(what: str, body: dict, status: int = 200) -> dict:
        said = client.post(f"{version}/{what}", json=body, headers=headers)
        assert said.status_code == status, said.text
        return said.json()

    def totals() -> dict[str, int]:
        found = client.get(f"{version}/grids", headers=headers).json()["features"]
        return {each["properties"]["code"]: each["properties"]["households"] for each in found}

    ask.totals = totals  # type: ignore[attr-defined]
    return ask


@pytest.mark.parametrize("body", [{"kind": "balance"}, {"kind": "mend", "grids": [f"{CODE}001"]}])
def test_a_proposal_changes_nothing_until_it_is_taken_and_then_gives_what_it_said(asked, body):
    before = asked.totals()
    proposed = asked("proposals", body)

    assert asked.totals() == before == {f"{CODE}001": 130, f"{CODE}002": 40, f"{CODE}003": 100}
    assert proposed["left"] == {}
    assert 0 < proposed["moved_households"] <= 60
    for change in proposed["changes"]:
        assert change["before"] == before[change["code"]]
        assert 50 <= change["after"] <= 100

    asked("edits", {"action": "proposal", "moves": proposed["moves"]}, 201)

    after = asked.totals()
    assert sum(after.values()) == sum(before.values())
    assert {code: after[code] for code in before} == {
        **before, **{change["code"]: change["after"] for change in proposed["changes"]}
    }  # fmt: skip


def test_a_split_keeps_the_code_of_the_larger_part(asked):
    proposed = asked("proposals", {"kind": "split", "grids": [f"{CODE}001"], "parts": 2})

    kept, begun = proposed["changes"]
    assert (kept["code"], begun["code"]) == (f"{CODE}001", None)
    assert kept["after"] + begun["after"] == 130
    assert kept["after"] >= begun["after"] >= 50
    answer = asked("edits", {"action": "proposal", "moves": proposed["moves"]}, 201)
    assert asked.totals()[answer["new_grids"][0]] == begun["after"]


def test_locks_and_the_bound_are_kept(asked):
    locked = asked("proposals", {"kind": "balance", "locked_grids": [f"{CODE}001"]})
    assert f"{CODE}001" not in {change["code"] for change in locked["changes"]}
    assert locked["left"][f"{CODE}001"] == "locked"

    nothing = asked("proposals", {"kind": "balance", "max_moved": 0})
    assert nothing["moves"] == []
    assert set(nothing["left"]) == {f"{CODE}001", f"{CODE}002"}


def test_what_is_not_there_is_said(asked):
    assert asked("proposals", {"kind": "mend", "grids": ["x"]}, 404)["code"] == "grid_not_found"
    assert asked("proposals", {"kind": "balance", "locked_units": ["x"]}, 404)["code"] == "unit_not_found"
    refused = asked("proposals", {"kind": "split", "grids": [f"{CODE}002"], "parts": 3}, 422)
    assert refused["code"] == "split_count_none"
    asked("proposals", {"kind": "mend"}, 422)


def test_a_number_of_grids_is_proposed_and_taken_gives_that_many_in_band(asked):
    before = asked.totals()
    assert len(before) == 3

    proposed = asked("proposals", {"kind": "count", "count": 4})

    assert {change["code"] for change in proposed["changes"]} >= {None, f"{CODE}001"}
    assert proposed["moved_households"] > 0
    asked("edits", {"action": "proposal", "moves": proposed["moves"]}, 201)
    after = asked.totals()
    assert len(after) == 4
    assert sum(after.values()) == sum(before.values()) == 270

    locked = asked("proposals", {"kind": "count", "count": 3, "locked_grids": [f"{CODE}003"]})
    assert f"{CODE}003" not in {change["code"] for change in locked["changes"]}
    assert asked("proposals", {"kind": "count", "count": 9}, 422)["code"] == "count_not_legal"
    asked("proposals", {"kind": "count"}, 422)
