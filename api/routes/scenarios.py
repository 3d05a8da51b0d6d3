"""What is expected of a draft: kept with it, by date, and what mending would cost by then."""

from __future__ import annotations

import json
from uuid import UUID

from fastapi import APIRouter, Request

from api import queries
from api.dependencies import SessionDep
from api.errors import ConflictError
from api.reader import answered
from api.requests import KeptRoute
from api.routes.plans import require_rights, require_version
from api.schemas import (
    ExpectedChange,
    HypothesisIn,
    HypothesisOut,
    PlacedHouse,
    ProposedGrid,
    ScenarioIn,
    ScenarioOut,
    ScenarioStep,
    problems,
)

router = APIRouter(prefix="/api/v1", tags=["plans"], route_class=KeptRoute)


@router.get("/versions/{version_id}/scenario", responses=problems(404, 422))
def get_scenario(version_id: UUID, request: Request, session: SessionDep) -> ScenarioOut:
    """Return what is expected of a version, and which grids that changes by when.

    What no longer fits the draft (a unit that was divided since) is told as `fault`, without steps.
    """
    # As for edits: only who asks waits for the engine's libraries, and only once.
    from api.editing import EditRefusedError
    from api.tomorrow import expected_of, steps_of

    version = require_version(session, version_id)
    changes = expected_of(session, version_id)
    told = [ExpectedChange.of(change) for change in changes]
    try:
        steps = [ScenarioStep.of(step) for step in steps_of(session, version, changes)]
    except EditRefusedError as error:
        return ScenarioOut(revision=version.revision, changes=told, steps=[], fault=answered(request, error))
    return ScenarioOut(revision=version.revision, changes=told, steps=steps, fault=None)


@router.put("/versions/{version_id}/scenario", responses=problems(404, 409))
def put_scenario(version_id: UUID, body: ScenarioIn, session: SessionDep) -> ScenarioOut:
    """Keep what is expected of a draft, in the place of what was; the plan itself stays as it is."""
    from api.tomorrow import keep_expected, steps_of

    version = require_version(session, version_id)
    require_rights(session, version, "plannable")
    version = require_version(session, version_id, lock=True)
    if version.state != "draft":
        raise ConflictError("not_a_draft", f"the version is {version.state}; fork it to change it")
    changes = [change.expected() for change in body.changes]
    steps = steps_of(session, version, changes)
    keep_expected(session, version, changes)
    queries.tell(session, "scenario_changed", version.community_id, json.dumps({"version": str(version_id)}))
    return ScenarioOut(
        revision=version.revision, changes=body.changes, steps=[ScenarioStep.of(step) for step in steps],
        fault=None,
    )  # fmt: skip


@router.post("/versions/{version_id}/scenario/mending", responses=problems(404))
def mend_scenario(version_id: UUID, body: HypothesisIn, session: SessionDep) -> HypothesisOut:
    """Ask what mending would take once all that is expected until a day has happened; nothing is changed."""
    from api.tomorrow import expected_of, mended_by

    version = require_version(session, version_id)
    require_rights(session, version, "plannable")
    kept = expected_of(session, version_id)
    changes = kept if body.changes is None else [change.expected() for change in body.changes]
    mended = mended_by(session, version, body.day, changes)
    made, new = mended.proposal, mended.new
    return HypothesisOut(
        changes=[ProposedGrid.model_validate(vars(change)) for change in made.changes],
        moved_households=made.moved_households - made.households_of(new),
        new_households=made.households_of(new),
        left=made.left,
        unit_ids=[unit for move in made.moves for unit in move.unit_ids if unit not in new],
        houses=[PlacedHouse.model_validate(vars(house)) for house in mended.houses],
    )
