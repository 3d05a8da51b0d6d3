"""Proposals: what the engine would do with a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fastapi import APIRouter

from api.dependencies import SessionDep
from api.requests import IfMatch, KeptRoute
from api.routes.plans import changeable
from api.schemas import Move, ProposalIn, ProposalOut, ProposedGrid, problems

if TYPE_CHECKING:
    from api.proposals import Proposal

router = APIRouter(prefix="/api/v1", tags=["plans"], route_class=KeptRoute)


@router.post("/versions/{version_id}/proposals", responses=problems(404, 409, 412, 428))
def propose(version_id: UUID, body: ProposalIn, session: SessionDep, if_match: IfMatch = None) -> ProposalOut:
    """Ask the engine how a draft could be; nothing is changed.

    What is locked stays. The moves can be sent as an edit, all or some of them.
    """
    # As for edits: only who asks waits for the engine's libraries, and only once.
    from api.drafts import read_draft
    from api.proposals import propose_count, propose_mending, propose_split

    version = changeable(session, version_id, if_match)
    draft = read_draft(session, version)
    if body.kind == "split":
        made = propose_split(draft, body.grids[0], body.parts, locked_units=body.locked_units)
    elif body.kind == "count":
        assert body.count is not None
        made = propose_count(
            draft, body.count, locked_grids=body.locked_grids, locked_units=body.locked_units
        )
    else:
        made = propose_mending(
            draft, None if body.kind == "balance" else body.grids, locked_grids=body.locked_grids,
            locked_units=body.locked_units, max_moved=body.max_moved,
        )  # fmt: skip
    return told(version.revision, made)


def told(revision: int, proposal: Proposal) -> ProposalOut:
    """Return a proposal as it is sent."""
    return ProposalOut(
        revision=revision,
        moves=[Move(unit_ids=move.unit_ids, to=move.to, new=move.to is None) for move in proposal.moves],
        changes=[ProposedGrid.model_validate(vars(change)) for change in proposal.changes],
        moved_households=proposal.moved_households,
        left=proposal.left,
    )
