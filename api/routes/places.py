"""Places by address: candidates with a score among the project's own units, compounds and streets."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import shapely
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.dependencies import SessionDep
from api.places import Gazetteers
from api.queries import DECIMALS
from api.schemas import problems
from geo.geocode import Candidate, decided

router = APIRouter(prefix="/api/v1/places", tags=["places"])


class PlaceOut(BaseModel):
    """A place that a text may mean. A street or compound is no point: `lon` and `lat` are null then."""

    kind: Literal["building", "stairwell", "compound", "street", "crossing"]
    name: str
    score: float = Field(description="1: everything that the text says was found; orders, is no probability")
    rests_on: list[str] = Field(description="What of the text was found, and what was not")
    communities: list[str] = Field(description="Their codes")
    community_names: list[str]
    lon: float | None
    lat: float | None
    accuracy_m: float = Field(description="How far it reaches from its middle")
    geometry: dict[str, Any]


class PlacesOut(BaseModel):
    """Candidates, the best first; `decided` says whether the first can only be meant."""

    decided: bool
    candidates: list[PlaceOut]


@router.get("", responses=problems())
def find_places(
    request: Request,
    session: SessionDep,
    q: Annotated[str, Query(min_length=1, max_length=500, description="An address, or a sentence with one")],
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> PlacesOut:
    """Find what an address means in the actor's areas; nothing leaves the machine and nothing is guessed.

    A street without a number is its line. The same address in two communities, a number that is not there and
    a name with a letter wrong are shown with what is wrong, and decide nothing.
    """
    found = gazetteers_of(request).of(session).find(q, most=limit)
    called = _called(session, found)
    return PlacesOut(decided=decided(found) is not None, candidates=[_place(one, called) for one in found])


def gazetteers_of(request: Request) -> Gazetteers:
    """Return the gazetteers that the application keeps."""
    state = request.app.state
    if not hasattr(state, "gazetteers"):
        state.gazetteers = Gazetteers()
    gazetteers: Gazetteers = state.gazetteers
    return gazetteers


def _called(session: Session, found: tuple[Candidate, ...]) -> dict[int, tuple[str, str]]:
    """Return code and name of each community of some candidates."""
    ids = sorted({community for one in found for community in one.communities})
    rows = session.execute(text("SELECT id, code, name FROM divisions WHERE id = ANY (:ids)"), {"ids": ids})
    return {row.id: (row.code, row.name or row.code) for row in rows}


def _place(one: Candidate, called: dict[int, tuple[str, str]]) -> PlaceOut:
    at = one.point
    return PlaceOut(
        kind=one.kind, name=one.name, score=one.score, rests_on=list(one.rests_on),
        communities=[called[community][0] for community in one.communities],
        community_names=[called[community][1] for community in one.communities],
        lon=at and round(at.x, DECIMALS), lat=at and round(at.y, DECIMALS),
        accuracy_m=round(one.radius_m, 1), geometry=json.loads(shapely.to_geojson(one.shape)),
    )  # fmt: skip
