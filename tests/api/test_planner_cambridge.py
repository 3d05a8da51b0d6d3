"""Parcels of Cambridge, Massachusetts, under the hand: every tool of the planner page on real ground."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext
from sqlalchemy import text

from api.database import Store
from api.loading import load_plan_as_owner
from geo.plan_layers import read_plan_layers
from geo.planning import plan
from maps.plan_file import plan_frames, write_frames
from tests import real_layers
from tests.api.place import Place
from tests.api.planner_page import Desk, grids_of
from tests.api.plans import silent

# Mid-Cambridge: 1,346 parcels with 6,145 households, and two parcels above the maximum of a grid.
NEIGHBOURHOOD = "6"


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    """The plan of one neighbourhood as a draft, made from its layers as any plan is."""
    named = os.environ.get(real_layers.DATA_VARIABLE)
    folder = Path(named) if named else None
    if why := real_layers.missing_data(folder, real_layers.CAMBRIDGE_FILES):
        pytest.skip(why)
    assert folder is not None
    layers = real_layers.cambridge(folder)
    communities, units = layers["communities"], layers["units"]
    one = communities[communities["community_id"] == NEIGHBOURHOOD].reset_index(drop=True)
    inside = units.representative_point().to_crs(one.crs).within(one.geometry.iloc[0])
    layers |= {"communities": one, "units": units[inside].reset_index(drop=True)}
    for kind, layer in layers.items():
        layer.to_file(tmp_path / f"{kind}.gpkg", driver="GPKG", engine="pyogrio")
    made = plan(read_plan_layers({kind: str(tmp_path / f"{kind}.gpkg") for kind in layers}))
    write_frames(plan_frames(made, {}), tmp_path / "plan.gpkg")
    load_plan_as_owner(store, tmp_path / "plan.gpkg", report=silent)
    with store.owner.connect() as owner:
        row = owner.execute(
            text("""SELECT v.id, v.plan_id, v.community_id, v.ground_id, d.code, d.path::text AS path
                    FROM versions v JOIN divisions d ON d.id = v.community_id""")
        ).one()
    return Place(row.community_id, row.code, row.path, row.ground_id, row.plan_id, UUID(str(row.id)))


class Ground:
    """What is on the ground, as the store has it: the oracle of what the page counts."""

    def __init__(self, store: Store, place: Place) -> None:
        with store.owner.connect() as owner:
            units = owner.execute(
                text("SELECT number, unit_id, households FROM units WHERE ground_id = :g ORDER BY number"),
                {"g": place.ground_id},
            ).all()
            pairs = owner.execute(
                text("SELECT pair_left, pair_right, border_m FROM grounds WHERE id = :g"),
                {"g": place.ground_id},
            ).one()
        self.households: dict[str, int] = {row.unit_id: row.households for row in units}
        ids = {row.number: row.unit_id for row in units}
        self.borders: list[tuple[float, str, str]] = sorted(
            ((metres, ids[a], ids[b]) for a, b, metres in zip(*pairs, strict=True)), reverse=True
        )

    def totals(self, grid_of: dict[str, str]) -> dict[str, int]:
        counted: dict[str, int] = {}
        for unit, code in grid_of.items():
            counted[code] = counted.get(code, 0) + self.households[unit]
        return counted

    def between(self, grid_of: dict[str, str], code: str) -> list[tuple[str, str]]:
        """Pairs of units across the border of a grid, its own first, the longest borders first."""
        pairs = [(a, b) for _, a, b in self.borders] + [(b, a) for _, a, b in self.borders]
        return [(a, b) for a, b in pairs if grid_of[a] == code != grid_of[b] and self.households[b]]


def seen(desk: Desk, ground: Ground) -> dict[str, str]:
    """Code of the grid of each unit on the page, whose totals are those counted from it."""
    totals = desk.totals()
    grid_of: dict[str, str] = desk.page.evaluate(
        "(ids) => Object.fromEntries(ids.map((id) => [id, window.weige.planner.gridOf(id)]))",
        list(ground.households),
    )
    assert totals == ground.totals(grid_of)
    return grid_of


def closer(desk: Desk, code: str) -> None:
    """Choose a grid and fly to it, its neighbours in view."""
    desk.choose(code)
    desk.page.locator(".chosen").get_by_role("button", name="定位").click()
    desk.page.wait_for_timeout(600)
    desk.page.locator(".leaflet-control-zoom-out").click()
    desk.page.wait_for_timeout(600)


def grasp(desk: Desk, pairs: list[tuple[str, str]]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Find a border with the hand; the place where it was found, and the middle of the unit beyond it."""
    desk.page.keyboard.press("d")
    stage = desk.page.locator("#stage .leaflet-container")
    for own, beyond in pairs:
        (ax, ay), (bx, by) = desk.ask("screenOf", own), desk.ask("screenOf", beyond)
        for step in range(21):
            x, y = ax + (bx - ax) * step / 20, ay + (by - ay) * step / 20
            desk.page.mouse.move(x, y)
            if stage.get_attribute("data-holds") == "border":
                return (x, y), (bx + (bx - ax) * 0.2, by + (by - ay) * 0.2)
    raise AssertionError("no border was found under the hand")


class Redrawing:
    """A draft in somebody's hand, of which each tool is tried in turn."""

    def __init__(self, desk: Desk, ground: Ground, store: Store, place: Place) -> None:
        self.desk, self.ground = desk, ground
        self._store, self._version = store, place.version_id
        self._total = sum(ground.households.values())

    def saved(self) -> dict[str, str]:
        """Code of the grid of each unit, as page and service have it once all is saved."""
        self.desk.saved()
        now = seen(self.desk, self.ground)
        assert now == grids_of(self._store, self._version)
        assert sum(self.desk.totals().values()) == self._total
        return now

    def paint(self, before: dict[str, str], into: str) -> dict[str, str]:
        """A parcel from beyond the border comes into the grid."""
        closer(self.desk, into)
        _, taken = self.ground.between(before, into)[0]
        self.desk.paint(into, taken)
        painted = self.saved()
        assert painted == {**before, taken: into}
        return painted

    def drag_border(self, before: dict[str, str], into: str) -> dict[str, str]:
        """The border of the grid goes over a neighbour's parcels."""
        held, to = grasp(self.desk, self.ground.between(before, into))
        self.desk.drag([held, to])
        dragged = self.saved()
        moved = {unit for unit, code in dragged.items() if before[unit] != code}
        assert moved
        assert len({before[unit] for unit in moved} | {dragged[unit] for unit in moved}) == 2
        return dragged

    def split(self, before: dict[str, str], wide: str) -> dict[str, str]:
        """A grid is cut from above to below."""
        closer(self.desk, wide)
        at = [self.desk.ask("screenOf", unit) for unit, code in before.items() if code == wide]
        middle = sorted(x for x, _ in at)[len(at) // 2] + 0.5
        page = self.desk.page
        page.keyboard.press("s")
        page.mouse.click(middle, min(y for _, y in at) - 40)
        page.mouse.click(middle, max(y for _, y in at) + 40)
        page.keyboard.press("Enter")
        divided = self.saved()
        changed = {unit for unit, code in divided.items() if before[unit] != code}
        assert {before[unit] for unit in changed} == {wide}
        assert len(set(divided.values())) > len(set(before.values()))
        return divided

    def merge(self, before: dict[str, str], ended: str) -> tuple[dict[str, str], str]:
        """A grid goes to a neighbour, whose code is returned too."""
        self.desk.choose(ended)
        self.desk.page.locator(".chosen .merge").select_option(index=1)
        merged = self.saved()
        (heir,) = {merged[unit] for unit, code in before.items() if code == ended}
        assert merged == {unit: heir if code == ended else code for unit, code in before.items()}
        return merged, heir

    def mend(self, before: dict[str, str], around: str) -> dict[str, str]:
        """A proposal changes nothing while it is shown, and gives what it showed once it is taken."""
        self.desk.choose(around)
        self.desk.page.locator(".chosen .mend").click()
        shown = {code: after for code, (_, after) in self.desk.proposed().items()}
        assert shown
        assert seen(self.desk, self.ground) == before
        self.desk.take_proposal()
        mended = self.saved()
        totals = self.desk.totals()
        assert {code: totals[code] for code in shown if code in totals} == {
            code: households for code, households in shown.items() if code in totals
        }
        assert mended != before
        return mended


@pytest.mark.slow
def test_a_neighbourhood_of_cambridge_is_redrawn_with_every_tool(
    store: Store, place: Place, signed_in: BrowserContext, served: str
):
    ground = Ground(store, place)
    desk = Desk(signed_in, served, place, str(place.version_id))
    page = desk.page
    first = seen(desk, ground)
    assert first == grids_of(store, place.version_id)
    assert len(first) > 1_000
    hand = Redrawing(desk, ground, store, place)

    into = next(code for code in sorted(set(first.values())) if ground.between(first, code))
    dragged = hand.drag_border(hand.paint(first, into), into)
    # Of most parcels.
    wide = max(set(dragged.values()), key=list(dragged.values()).count)
    divided = hand.split(dragged, wide)
    ended = next(code for code in sorted(set(divided.values())) if code not in (wide, into))
    merged, heir = hand.merge(divided, ended)
    hand.mend(merged, heir)

    # Back to the beginning, edit by edit and at once.
    page.keyboard.press("Control+z")
    assert grouped(hand.saved()) == grouped(merged)
    page.locator(".board .past li button").last.click()
    assert grouped(hand.saved()) == grouped(first)

    # Grids of a real place are seldom all in band: what is open is told first.
    page.locator('[data-step="submit"]').click()
    page.locator("#submit-dialog button[value=go]").or_(page.locator(".tag.submitted")).first.wait_for()
    if page.locator("#submit-dialog[open]").count():
        page.locator("#submit-dialog button[value=go]").click()
    page.wait_for_selector(".tag.submitted")
    desk.ready()
    with store.owner.connect() as owner:
        state = owner.execute(text("SELECT state FROM versions WHERE id = :v"), {"v": place.version_id})
        assert state.scalar_one() == "submitted"
    assert desk.faults == []


def grouped(grid_of: dict[str, str]) -> set[frozenset[str]]:
    """Which units are together, whatever the code: a grid that ended comes back with a new one."""
    members: dict[str, set[str]] = {}
    for unit, code in grid_of.items():
        members.setdefault(code, set()).add(unit)
    return {frozenset(units) for units in members.values()}
