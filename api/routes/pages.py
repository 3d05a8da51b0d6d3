"""Pages of people: the login, one-time links, the list of communities."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from api import security
from api.areas import area_name
from api.dependencies import SESSION_COOKIE, Actor, SettingsDep, StoreDep, key_hash
from api.errors import NotFoundError, NotSignedInError, NotValidError, TooManyError
from api.limiting import client_address
from api.pages import FormDep, PageSessionDep, page, reader_language, safe_next
from api.settings import Settings

router = APIRouter(include_in_schema=False)

COMMUNITIES_A_PAGE = 60
LONGEST_NAME = 64

_COMMUNITIES = """
    SELECT d.id, d.code, d.name,
           (SELECT jsonb_agg(jsonb_build_array(above.name, above.level, above.code)
                             ORDER BY nlevel(above.path))
            FROM divisions above
            WHERE above.path @> d.path AND above.id <> d.id AND above.parent_id IS NOT NULL) AS way,
           v.valid_from, g.grids, g.households, g.out_of_band
    FROM divisions d
    LEFT JOIN versions v ON v.community_id = d.id AND v.state IN ('published', 'superseded')
      AND daterange(v.valid_from, v.valid_to) @> city_day()
    LEFT JOIN LATERAL (
      SELECT count(*) AS grids, sum(households) AS households,
             count(*) FILTER (WHERE status IN ('too_small', 'too_large')) AS out_of_band
      FROM grids WHERE version_id = v.id) g ON v.id IS NOT NULL
    WHERE d.level = 'community' AND d.id IN (SELECT readable()) AND d.code > :after
      AND (cast(:wanted AS text) = '' OR strpos(d.code, :wanted) > 0
           OR strpos(lower(d.name), lower(:wanted)) > 0)
    ORDER BY d.code LIMIT :limit"""


@router.get("/")
def show_communities(
    request: Request,
    session: PageSessionDep,
    after: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """List the communities that the reader may see."""
    actor: Actor = request.state.actor
    wanted = q.replace("\x00", "").strip()
    rows = _communities(session, wanted, after.replace("\x00", ""))
    further = rows[COMMUNITIES_A_PAGE - 1].code if len(rows) > COMMUNITIES_A_PAGE else None
    language = reader_language(request)
    ways = {
        row.id: " · ".join(area_name(name, level, code, language) for name, level, code in row.way or ())
        for row in rows
    }
    return page(
        request, "home.html", actor=actor, communities=rows[:COMMUNITIES_A_PAGE], ways=ways, further=further,
        wanted=wanted, may_see_anything=any(role != "reporter" for role in actor.grants),
    )  # fmt: skip


def _communities(session: Session, wanted: str, after: str) -> list[Row[tuple[object, ...]]]:
    found = session.execute(
        text(_COMMUNITIES), {"wanted": wanted, "after": after, "limit": COMMUNITIES_A_PAGE + 1}
    )
    return list(found.all())


@router.get("/login")
def show_login(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Show the login form."""
    return page(request, "login.html", next=safe_next(next), name="", fault=None, values={}, is_set=False)


@router.post("/login")
def sign_in(request: Request, form: FormDep, store: StoreDep, settings: SettingsDep) -> Response:
    """Sign in and go on to where the reader wanted to be."""
    name, onward = form.get("name", "").strip()[:LONGEST_NAME], safe_next(form.get("next"))
    password = form.get("password", "")
    if not name or not password:
        return _login_again(request, HTTPStatus.UNPROCESSABLE_ENTITY, "missing", name, onward)
    try:
        key = security.sign_in(store, name, password, client_address(request.scope))
    except NotSignedInError:
        return _login_again(request, HTTPStatus.UNPROCESSABLE_ENTITY, "refused", name, onward)
    except TooManyError as error:
        wait_s = int(error.values["retry_after_s"])
        answer = _login_again(
            request, HTTPStatus.TOO_MANY_REQUESTS, "too_many", name, onward, minutes=-(-wait_s // 60)
        )
        answer.headers["Retry-After"] = str(wait_s)
        return answer
    answer = RedirectResponse(onward, HTTPStatus.SEE_OTHER)
    set_session_cookie(answer, key, settings)
    return answer


def _login_again(
    request: Request, status: int, fault: str, name: str, onward: str, **values: int
) -> Response:
    return page(
        request, "login.html", status, next=onward, name=name, fault=fault, values=values, is_set=False
    )


def set_session_cookie(response: Response, key: str, settings: Settings) -> None:
    """Give a browser its session: no script reads it, no other site sends it along."""
    response.set_cookie(
        SESSION_COOKIE, key, max_age=int(security.SESSION_LIFE.total_seconds()), path="/",
        httponly=True, samesite="lax", secure=settings.secure_cookies,
    )  # fmt: skip


@router.post("/logout")
def sign_out(request: Request, form: FormDep, store: StoreDep, settings: SettingsDep) -> Response:
    """End the session of this browser; only its own pages can."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie or not security.is_csrf_token(store, key_hash(cookie), form.get("csrf_token", "")):
        return RedirectResponse("/", HTTPStatus.SEE_OTHER)
    security.sign_out(store, cookie)
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=settings.secure_cookies
    )
    return answer


@router.get("/welcome/{link}")
def show_welcome(link: str, request: Request, store: StoreDep) -> Response:
    """Show the form that sets a password; opening it does not use the link."""
    name = security.link_holder(store, link)
    if name is None:
        return _welcome(request, HTTPStatus.NOT_FOUND)
    return _welcome(request, HTTPStatus.OK, name=name)


@router.post("/welcome/{link}")
def welcome(link: str, request: Request, form: FormDep, store: StoreDep) -> Response:
    """Set a password with a one-time link, and go on to the login."""
    name = security.link_holder(store, link)
    if name is None:
        return _welcome(request, HTTPStatus.NOT_FOUND)
    password = form.get("password", "")
    if password != form.get("again", ""):
        return _welcome(request, HTTPStatus.UNPROCESSABLE_ENTITY, name=name, fault="passwords_differ")
    try:
        security.set_password(store, link, password)
    except NotFoundError:
        return _welcome(request, HTTPStatus.NOT_FOUND)
    except NotValidError as error:
        return _welcome(request, HTTPStatus.UNPROCESSABLE_ENTITY, name=name, fault=error.code)
    return page(request, "login.html", next="/", name=name, fault=None, values={}, is_set=True)


def _welcome(request: Request, status: int, *, name: str | None = None, fault: str | None = None) -> Response:
    return page(
        request, "welcome.html", status, name=name, fault=fault, shortest=security.SHORTEST_PASSWORD,
        longest=security.LONGEST_PASSWORD,
    )  # fmt: skip
