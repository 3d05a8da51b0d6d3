"""Rounds of visits (走访) as counts: nobody's name and no household's affairs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import text

from api.dependencies import ActorDep, SessionDep
from api.requests import KeptRoute
from api.routes.dispatch import RowId
from api.routes.mechanisms import (
    WITHIN,
    DivisionQuery,
    Id,
    Topic,
    inserted,
    one_row,
    require_division,
    require_row,
)
from api.schemas import Body, GridCode, problems

router = APIRouter(prefix="/api/v1", tags=["mechanisms"], route_class=KeptRoute)

FirstDay = Annotated[date | None, Query(description="First day")]
DayAfter = Annotated[date | None, Query(description="First day after")]
OneTopic = Annotated[Topic | None, Query(description="None: all")]
MOST_ROUNDS = 1000


class VisitIn(Body):
    """A round of visits as counts: nobody's name and no household's affairs."""

    division_id: Id
    grid: GridCode | None = None
    day: date
    topic: Topic
    households: Annotated[int, Field(ge=1, le=100_000)]
    demands: Annotated[int, Field(ge=0, le=100_000)] = 0
    settled: Annotated[int, Field(ge=0, le=100_000)] = 0

    @model_validator(mode="after")
    def settles_what_was_asked(self) -> VisitIn:
        """Refuse more demands settled than there were."""
        if self.settled > self.demands:
            raise ValueError("more demands were settled than there were")
        return self


class VisitOut(BaseModel):
    """A round of visits; one that takes another back has its counts negative."""

    id: int
    area: str
    grid: str
    day: date
    topic: str
    households: int
    demands: int
    settled: int
    reverses: int | None


class VisitFigures(BaseModel):
    """Visits of a topic in all, without what was taken back."""

    topic: str
    rounds: int
    households: int
    demands: int
    settled: int


class GridVisits(BaseModel):
    """Visits in a micro-grid in force; `visited` are visits: a household may have been visited twice."""

    area: str
    grid: str
    households: int
    rounds: int
    visited: int
    demands: int
    settled: int
    last_day: date | None = Field(description="Of the last round that stands, whatever the period")


class VisitSums(BaseModel):
    """Visits in all, without what was taken back."""

    rounds: int
    visited: int
    demands: int
    settled: int


class GridVisitsOut(BaseModel):
    """Visits by micro-grid in force, and those `elsewhere`: of no grid, or of one no longer in force."""

    grids: list[GridVisits]
    elsewhere: VisitSums


_VISITS = """
    SELECT v.id, d.code AS area, v.grid, v.day, v.topic, v.households, v.demands, v.settled, v.reverses
    FROM visit_counts v JOIN divisions d ON d.id = v.division_id"""
_IN_PERIOD = """
    (cast(:first AS date) IS NULL OR v.day >= :first) AND (cast(:before AS date) IS NULL OR v.day < :before)
    AND (cast(:topic AS text) IS NULL OR v.topic = :topic)"""
_SUMS = """
    count(v.id) - 2 * count(v.reverses) AS rounds,
    coalesce(sum(v.households), 0) AS visited, coalesce(sum(v.demands), 0) AS demands,
    coalesce(sum(v.settled), 0) AS settled"""
_BY_GRID = f"""
    SELECT c.code AS area, g.code AS grid, g.households, {_SUMS}, (
      SELECT max(l.day) FROM visit_counts l JOIN divisions ld ON ld.id = l.division_id
      WHERE l.grid = g.code AND ld.path @> c.path AND ld.path <@ here.path AND l.reverses IS NULL
        AND (cast(:topic AS text) IS NULL OR l.topic = :topic)
        AND NOT EXISTS (SELECT FROM visit_counts back WHERE back.reverses = l.id)) AS last_day
    FROM grids g JOIN versions n ON n.id = g.version_id JOIN divisions c ON c.id = g.community_id
      JOIN divisions here ON here.id = :division AND c.path <@ here.path
      LEFT JOIN (visit_counts v JOIN divisions vd ON vd.id = v.division_id)
        ON v.grid = g.code AND vd.path @> c.path AND vd.path <@ here.path AND {_IN_PERIOD}
    WHERE n.state IN ('published', 'superseded')
      AND daterange(n.valid_from, n.valid_to) @> city_day()
    GROUP BY c.code, g.code, g.households, c.path, here.path ORDER BY c.code, g.code"""


@router.post("/visits", status_code=201, responses=problems(400, 404))
def add_visits(body: VisitIn, session: SessionDep, actor: ActorDep) -> VisitOut:
    """Note a round of visits as counts."""
    require_division(session, body.division_id)
    made = inserted(
        session, """
        INSERT INTO visit_counts (division_id, grid, day, topic, households, demands, settled, set_by)
        VALUES (:division_id, :grid, :day, :topic, :households, :demands, :settled, :by) RETURNING id""",
        {**body.model_dump(), "grid": body.grid or "", "by": actor.user_id})  # fmt: skip
    return VisitOut.model_validate(one_row(session, f"{_VISITS} WHERE v.id = :id", id=made))


@router.post("/visits/{visit_id}/reversal", status_code=201, responses=problems(400, 404, 409))
def reverse_visits(visit_id: RowId, session: SessionDep, actor: ActorDep) -> VisitOut:
    """Take a round of visits back by a row of its own; what was written stays."""
    require_row(session, "visit_counts", visit_id)
    made = inserted(
        session, """
        INSERT INTO visit_counts
          (division_id, grid, day, topic, households, demands, settled, reverses, set_by)
        SELECT division_id, grid, day, topic, -households, -demands, -settled, id, :by
        FROM visit_counts WHERE id = :id RETURNING id""", {"id": visit_id, "by": actor.user_id})  # fmt: skip
    return VisitOut.model_validate(one_row(session, f"{_VISITS} WHERE v.id = :id", id=made))


@router.get("/visits/figures", responses=problems())
def count_visits(
    session: SessionDep,
    division: DivisionQuery,
    first: Annotated[date | None, Query(description="First day")] = None,
    before: Annotated[date | None, Query(description="First day after")] = None,
) -> list[VisitFigures]:
    """Add up the visits of a division by topic."""
    rows = session.execute(
        text(f"""
            SELECT v.topic, sum(CASE WHEN v.reverses IS NULL THEN 1 ELSE -1 END) AS rounds,
                   sum(v.households) AS households, sum(v.demands) AS demands, sum(v.settled) AS settled
            FROM visit_counts v JOIN divisions d ON d.id = v.division_id
            WHERE {WITHIN} AND (cast(:first AS date) IS NULL OR v.day >= :first)
              AND (cast(:before AS date) IS NULL OR v.day < :before)
            GROUP BY v.topic ORDER BY v.topic"""),
        {"division": division, "first": first, "before": before},
    )
    return [VisitFigures.model_validate(row._mapping) for row in rows]


@router.get("/visits", responses=problems(404))
def list_visits(
    session: SessionDep,
    division: DivisionQuery,
    first: FirstDay = None,
    before: DayAfter = None,
    topic: OneTopic = None,
) -> list[VisitOut]:
    """List the rounds of visits of a division with those that take others back, the last day first."""
    require_division(session, division)
    rows = session.execute(
        text(f"{_VISITS} WHERE {WITHIN} AND {_IN_PERIOD} ORDER BY v.day DESC, v.id DESC LIMIT :most"),
        {"division": division, "first": first, "before": before, "topic": topic, "most": MOST_ROUNDS},
    )
    return [VisitOut.model_validate(row._mapping) for row in rows]


@router.get("/visits/grids", responses=problems(404))
def count_visits_by_grid(
    session: SessionDep,
    division: DivisionQuery,
    first: FirstDay = None,
    before: DayAfter = None,
    topic: OneTopic = None,
) -> GridVisitsOut:
    """Add up the visits of a division by the micro-grids in force, and tell when each was visited last."""
    require_division(session, division)
    values = {"division": division, "first": first, "before": before, "topic": topic}
    grids = [GridVisits.model_validate(row._mapping) for row in session.execute(text(_BY_GRID), values)]
    total = session.execute(
        text(f"SELECT {_SUMS} FROM visit_counts v JOIN divisions d ON d.id = v.division_id"
             f" WHERE {WITHIN} AND {_IN_PERIOD}"),
        values,
    ).one()  # fmt: skip
    elsewhere = {
        name: getattr(total, name) - sum(getattr(one, name) for one in grids)
        for name in VisitSums.model_fields
    }
    return GridVisitsOut(grids=grids, elsewhere=VisitSums(**elsewhere))
