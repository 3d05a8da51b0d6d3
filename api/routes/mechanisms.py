"""What a street runs beside its cases: rosters, joint actions, points."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.cases.masking import require_impersonal
from api.cases.roster import Duty, gaps
from api.dependencies import ActorDep, SessionDep
from api.errors import NotAllowedError, NotFoundError, NotValidError
from api.requests import KeptRoute
from api.routes.cases import CaseNumber
from api.routes.dispatch import RowId
from api.schemas import Body, GridCode, Line, problems

router = APIRouter(prefix="/api/v1", tags=["mechanisms"], route_class=KeptRoute)

LONGEST_ROSTER = timedelta(days=31)
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
DivisionQuery = Annotated[int, Query(ge=1, le=2**63 - 1, description="Id of a division; what lies in it too")]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
Duties = Literal["A", "B"]


class DutyIn(Body):
    """A stretch of duty of an account of a post: in first place (A) or as deputy (B)."""

    division_id: Id
    grid: GridCode | None = Field(None, description="Micro-grid; none: the whole division")
    place: Duties
    user_id: Id
    starts_at: AwareDatetime
    ends_at: AwareDatetime

    @model_validator(mode="after")
    def is_a_stretch(self) -> DutyIn:
        """Require an end after the beginning, within a month."""
        if not timedelta(0) < self.ends_at - self.starts_at <= LONGEST_ROSTER:
            raise ValueError("a duty ends after it begins, within 31 days")
        return self


class DutyOut(BaseModel):
    """A stretch of duty."""

    id: int
    area: str
    grid: str
    place: Duties
    user_id: int
    starts_at: datetime
    ends_at: datetime


class GapOut(BaseModel):
    """A stretch in which a micro-grid has nobody in first place, no deputy, or neither."""

    area: str
    grid: str
    missing: list[Duties]
    starts_at: datetime
    ends_at: datetime


class JointActionIn(Body):
    """Departments that went out together, and the cases that they dealt with."""

    division_id: Id
    title: Line
    day: date
    departments: Annotated[list[Line], Field(min_length=2, max_length=20)]
    cases: Annotated[list[CaseNumber], Field(min_length=1, max_length=1000)]


class JointActionOut(BaseModel):
    """A joint action."""

    id: int
    area: str
    title: str
    day: date
    departments: list[str]
    cases: list[str]


class JointFigures(BaseModel):
    """Cases of joint actions by department: `cases` it took part in, and its `share`.

    A case counts once in all, however many actions and departments it was in: each of its n departments has
    1/n of it, so that the shares add up to the number of cases.
    """

    department: str
    cases: int
    share: float


class PointsIn(Body):
    """Points for an account in a team."""

    division_id: Id
    team: Line
    user_id: Id
    points: Annotated[int, Field(ge=1, le=10_000)]
    reason: Topic
    case_number: CaseNumber | None = None


class PointsOut(BaseModel):
    """An entry of the ledger of points; `area` is null for whoever reads nothing there."""

    id: int
    area: str | None
    team: str
    points: int
    reason: str
    case_number: str | None
    reverses: int | None
    set_at: datetime


class Points(BaseModel):
    """An account's own points: the sum of its entries."""

    total: int
    entries: list[PointsOut]


class TeamPoints(BaseModel):
    """What a team has; whose points they are is not told."""

    area: str
    team: str
    points: int
    accounts: int


_DUTIES = """
    SELECT r.id, d.code AS area, r.grid, r.place, r.user_id, r.starts_at, r.ends_at
    FROM duties r JOIN divisions d ON d.id = r.division_id"""
_POINTS = """
    SELECT p.id, d.code AS area, p.team, p.points, p.reason, p.case_number, p.reverses, p.set_at
    FROM points p LEFT JOIN divisions d ON d.id = p.division_id"""
_ACTIONS = """
    SELECT j.id, d.code AS area, j.title, j.day, j.departments, j.cases
    FROM joint_actions j JOIN divisions d ON d.id = j.division_id"""
WITHIN = "d.path <@ (SELECT path FROM divisions WHERE id = :division)"


@router.post("/duties", status_code=201, responses=problems(400, 404, 409))
def add_duty(body: DutyIn, session: SessionDep, actor: ActorDep) -> DutyOut:
    """Put an account of a post on the roster; two in one place at a time are refused."""
    require_division(session, body.division_id)
    values = {**body.model_dump(), "grid": body.grid or "", "by": actor.user_id}
    made = inserted(
        session, """
        INSERT INTO duties (division_id, grid, place, user_id, starts_at, ends_at, set_by)
        VALUES (:division_id, :grid, :place, :user_id, :starts_at, :ends_at, :by) RETURNING id""",
        values)  # fmt: skip
    return DutyOut.model_validate(one_row(session, f"{_DUTIES} WHERE r.id = :id", id=made))


@router.get("/duties", responses=problems())
def list_duties(
    session: SessionDep,
    division: DivisionQuery,
    at: Annotated[AwareDatetime | None, Query(description="Else now")] = None,
) -> list[DutyOut]:
    """List who is on duty at a moment in a division, by grid and place."""
    rows = session.execute(
        text(f"{_DUTIES} WHERE {WITHIN} AND r.withdrawn_at IS NULL AND r.starts_at <= coalesce(:at, now())"
             " AND r.ends_at > coalesce(:at, now()) ORDER BY d.code, r.grid, r.place"),
        {"division": division, "at": at},
    )  # fmt: skip
    return [DutyOut.model_validate(row._mapping) for row in rows]


@router.delete("/duties/{duty_id}", status_code=204, responses=problems(404))
def withdraw_duty(duty_id: RowId, session: SessionDep) -> None:
    """Take a stretch of duty off the roster."""
    standing = text("SELECT 1 FROM duties WHERE id = :id AND withdrawn_at IS NULL")
    if session.execute(standing, {"id": duty_id}).one_or_none() is None:
        raise NotFoundError("duty_not_found", "there is no such duty on the roster")
    withdrawn = session.execute(
        text("UPDATE duties SET withdrawn_at = clock_timestamp() WHERE id = :id RETURNING 1"), {"id": duty_id}
    )
    if withdrawn.one_or_none() is None:
        raise NotAllowedError("not_allowed", "your roles do not allow this here")


@router.get("/duties/gaps", responses=problems(404))
def list_gaps(
    session: SessionDep,
    division: DivisionQuery,
    starts_at: Annotated[AwareDatetime, Query()],
    ends_at: Annotated[AwareDatetime, Query()],
) -> list[GapOut]:
    """List where micro-grids in force lack somebody in first place or a deputy between two moments."""
    require_division(session, division)
    if not timedelta(0) < ends_at - starts_at <= LONGEST_ROSTER:
        raise NotValidError("roster_stretch", "ask for at most 31 days, with the end after the beginning")
    grids = session.execute(
        text(f"""
            SELECT d.id, d.code AS area, g.code AS grid FROM grids g JOIN versions v ON v.id = g.version_id
              JOIN divisions d ON d.id = g.community_id
            WHERE {WITHIN} AND v.state IN ('published', 'superseded')
              AND daterange(v.valid_from, v.valid_to) @> city_day(:day)
            ORDER BY d.code, g.code"""),
        {"division": division, "day": starts_at},
    ).all()
    # Whoever is on duty in a division above a community is on duty in each of its grids.
    rows = session.execute(
        text("""
            SELECT c.id AS community, CASE WHEN r.division_id = c.id THEN r.grid ELSE '' END AS grid, r.place,
                   r.starts_at, r.ends_at
            FROM duties r JOIN divisions d ON d.id = r.division_id JOIN divisions c ON c.path <@ d.path
            WHERE c.id = ANY (:communities) AND r.withdrawn_at IS NULL
              AND r.starts_at < :ends AND r.ends_at > :starts"""),
        {"communities": sorted({row.id for row in grids}), "starts": starts_at, "ends": ends_at},
    )
    duties: dict[int, list[Duty]] = {}
    for row in rows:
        duties.setdefault(row.community, []).append(Duty(row.grid, row.place, row.starts_at, row.ends_at))
    return [
        GapOut(area=row.area, grid=gap.grid, missing=list(gap.missing), starts_at=gap.starts_at,
               ends_at=gap.ends_at)
        for row in grids
        for gap in gaps(duties.get(row.id, ()), [row.grid], starts_at, ends_at)
    ]  # fmt: skip


@router.post("/joint-actions", status_code=201, responses=problems(400, 404, 409))
def add_joint_action(body: JointActionIn, session: SessionDep, actor: ActorDep) -> JointActionOut:
    """Note a joint action over several cases of an area."""
    require_impersonal(body.title, "title")
    require_division(session, body.division_id)
    made = inserted(
        session, """
        INSERT INTO joint_actions (division_id, title, day, departments, cases, set_by)
        VALUES (:division_id, :title, :day, :departments, :cases, :by) RETURNING id""",
        {**body.model_dump(), "by": actor.user_id})  # fmt: skip
    return JointActionOut.model_validate(one_row(session, f"{_ACTIONS} WHERE j.id = :id", id=made))


@router.get("/joint-actions", responses=problems())
def list_joint_actions(session: SessionDep, division: DivisionQuery) -> list[JointActionOut]:
    """List the joint actions of a division, the newest first."""
    rows = session.execute(
        text(f"{_ACTIONS} WHERE {WITHIN} ORDER BY j.day DESC, j.id DESC LIMIT 1000"), {"division": division}
    )
    return [JointActionOut.model_validate(row._mapping) for row in rows]


@router.get("/joint-actions/figures", responses=problems())
def count_joint_actions(
    session: SessionDep,
    division: DivisionQuery,
    first: Annotated[date | None, Query(description="First day")] = None,
    before: Annotated[date | None, Query(description="First day after")] = None,
) -> list[JointFigures]:
    """Count the cases of joint actions by department; the shares add up to the number of cases."""
    rows = session.execute(
        text(f"""
            WITH part AS (
              SELECT DISTINCT number, department
              FROM joint_actions j JOIN divisions d ON d.id = j.division_id, unnest(j.cases) number,
                   unnest(j.departments) department
              WHERE {WITHIN} AND (cast(:first AS date) IS NULL OR j.day >= :first)
                AND (cast(:before AS date) IS NULL OR j.day < :before)
            ), share AS (
              SELECT department, number, 1.0 / count(*) OVER (PARTITION BY number) AS share FROM part
            )
            SELECT department, count(*) AS cases, sum(share)::float8 AS share
            FROM share GROUP BY department ORDER BY share DESC, department"""),
        {"division": division, "first": first, "before": before},
    )
    return [JointFigures.model_validate(row._mapping) for row in rows]


@router.post("/points", status_code=201, responses=problems(400, 404, 409))
def add_points(body: PointsIn, session: SessionDep, actor: ActorDep) -> PointsOut:
    """Give an account points in a team; nobody gives himself any."""
    require_impersonal(body.team, "team")
    require_division(session, body.division_id)
    made = inserted(
        session, """
        INSERT INTO points (division_id, team, user_id, points, reason, case_number, set_by)
        VALUES (:division_id, :team, :user_id, :points, :reason, :case_number, :by) RETURNING id""",
        {**body.model_dump(), "by": actor.user_id})  # fmt: skip
    return PointsOut.model_validate(one_row(session, f"{_POINTS} WHERE p.id = :id", id=made))


@router.post("/points/{points_id}/reversal", status_code=201, responses=problems(400, 404, 409))
def reverse_points(points_id: RowId, session: SessionDep, actor: ActorDep) -> PointsOut:
    """Take points back by a row of their own; what was written stays."""
    require_row(session, "points", points_id)
    made = inserted(
        session, """
        INSERT INTO points (division_id, team, user_id, points, reason, case_number, reverses, set_by)
        SELECT division_id, team, user_id, -points, reason, case_number, id, :by
        FROM points WHERE id = :id RETURNING id""", {"id": points_id, "by": actor.user_id})  # fmt: skip
    return PointsOut.model_validate(one_row(session, f"{_POINTS} WHERE p.id = :id", id=made))


@router.get("/points/mine", responses=problems())
def my_points(session: SessionDep, actor: ActorDep) -> Points:
    """Return the actor's own points with their entries, the newest first."""
    rows = session.execute(
        text(f"{_POINTS} WHERE p.user_id = :me ORDER BY p.id DESC LIMIT 1000"), {"me": actor.user_id}
    )
    total = session.execute(
        text("SELECT coalesce(sum(points), 0) FROM points WHERE user_id = :me"), {"me": actor.user_id}
    ).scalar_one()
    return Points(total=total, entries=[PointsOut.model_validate(row._mapping) for row in rows])


@router.get("/points/teams", responses=problems())
def team_points(session: SessionDep) -> list[TeamPoints]:
    """List what the teams of the actor's areas have, by area and name: nobody is ranked."""
    return [
        TeamPoints.model_validate(row._mapping)
        for row in session.execute(text("SELECT * FROM team_points()"))
    ]


def inserted(session: Session, statement: str, values: dict[str, Any]) -> int:
    """Insert a row and return its id."""
    made: int = session.execute(text(statement), values).scalar_one()
    return made


def one_row(session: Session, statement: str, **values: Any) -> Any:
    """Return the one row of a statement by column."""
    return session.execute(text(statement), values).one()._mapping


def require_division(session: Session, division_id: int) -> None:
    """Refuse a division that the actor may not know of."""
    seen = session.execute(text("SELECT 1 FROM divisions WHERE id = :d"), {"d": division_id}).one_or_none()
    if seen is None:
        raise NotFoundError("division_not_found", "there is no such division")


def require_row(session: Session, table: Literal["visit_counts", "points"], row_id: int) -> None:
    """Refuse an entry of a ledger that the actor may not know of."""
    seen = session.execute(text(f"SELECT 1 FROM {table} WHERE id = :id"), {"id": row_id}).one_or_none()
    if seen is None:
        raise NotFoundError("entry_not_found", "there is no such entry")
