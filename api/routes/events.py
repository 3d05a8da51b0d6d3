"""Live events: a stream, and the same by asking again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import text

from api.dependencies import SessionDep, entered, presented_key
from api.errors import AwayError
from api.live import EventStream, Live, Viewer
from api.schemas import problems

router = APIRouter(prefix="/api/v1/events", tags=["events"])

# The largest number a column of numbers holds.
_HIGHEST = (1 << 63) - 1
Number = Annotated[int, Field(ge=0, le=_HIGHEST)]


class EventOut(BaseModel):
    """Something that happened."""

    number: int = Field(description="Ascending; whoever has N misses nothing by asking for what is after N.")
    kind: str = Field(examples=["version.published"])
    at: datetime
    community_id: int | None
    body: dict[str, Any]


class Events(BaseModel):
    """Events in their order, and where to go on."""

    events: list[EventOut]
    last: int = Field(description="Ask for what is after this number next.")
    more: bool = Field(description="Whether there is more already.")


@router.get(
    "",
    response_class=Response,
    responses={
        200: {
            "description": "An event stream that does not end by itself",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 7\nevent: job\ndata: {"number": 7, "kind": "job", "body": {}}\n\n',
                }
            },
        },
        **problems(401, 422, 503),
    },
)
async def stream_events(
    request: Request,
    after: Annotated[Number | None, Query(description="The last number the client has.")] = None,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="As browsers send it; goes before `after`.")
    ] = None,
) -> Any:
    """Stream the events of the areas and roles of whoever asks (server-sent events).

    Without a last number the stream begins with what comes next.
    """
    live: Live = request.app.state.live
    key = presented_key(request)
    async with live.pool.connection() as connection, connection.transaction():
        row = await (
            await connection.execute("SELECT * FROM enter(%s, %s)", (key.sha256, [key.kind]))
        ).fetchone()
        actor = entered(row, key, request)
    if live.last is None or live.closing or live.is_full(actor.user_id):
        raise AwayError(
            "streams_full", "no further stream can be opened here now; try again", retry_after_s=2
        )
    known = after
    if last_event_id is not None and last_event_id.isdecimal() and int(last_event_id) <= _HIGHEST:
        known = int(last_event_id)
    return EventStream(live, key, Viewer.of(actor.user_id, actor.grants), known)


@router.get("/since", responses=problems(401, 422))
def list_events(
    session: SessionDep,
    after: Annotated[Number, Query(description="The last number the client has.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> Events:
    """List what came after a number, for clients that cannot hold a stream open."""
    rows = session.execute(
        text("""SELECT number, kind, at, community_id, body FROM events
                WHERE number > :after ORDER BY number LIMIT :most"""),
        {"after": after, "most": limit + 1},
    ).all()
    found = [EventOut.model_validate(row._mapping, from_attributes=False) for row in rows[:limit]]
    return Events(events=found, last=found[-1].number if found else after, more=len(rows) > limit)
