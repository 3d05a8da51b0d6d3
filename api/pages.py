"""What served pages share: templates in the reader's language, the way to the login, forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from api.areas import area_name
from api.dependencies import SESSION_COOKIE, Actor, PresentedKey, StoreDep, entered, key_hash
from api.errors import NotAllowedError, NotSignedInError, TooLargeError
from api.reader import asked_language
from api.settings import Settings
from maps.text import Language, printable, text, words

# A login form is short; who sends more means no good.
LARGEST_FORM_BYTES = 16_384


def _plain(value: Any) -> Any:
    """Return what a template shows without marks that turn the direction of what follows; breaks stay."""
    return printable(value, keeps="\r\n\t") if type(value) is str else value


_templates = Environment(
    loader=PackageLoader("maps", "pages"),
    autoescape=True,
    finalize=_plain,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class SignInFirstError(Exception):
    """A page was asked for by somebody who is not signed in."""


def reader_language(request: Request) -> Language:
    """Return the language that a browser asks for; Chinese where it asks for neither."""
    return asked_language(request) or "zh_CN"


def page(request: Request, template: str, status: int = HTTPStatus.OK, /, **values: Any) -> HTMLResponse:
    """Return a page made from a template of `maps/pages`, in the reader's language; nobody may keep it."""
    language = reader_language(request)
    told = _templates.get_template(template).render(
        t=partial(text, language=language), called=partial(_called, language=language),
        language=language.replace("_", "-"),
        alert=getattr(request.state, "alert", None), **values,
    )  # fmt: skip
    return HTMLResponse(
        told, status, headers={"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie"}
    )


def _called(area: Any, language: Language) -> str:
    """Return the name of a community or other division that a template has as a row."""
    return area_name(area.name, getattr(area, "level", "community"), area.code, language)


def script_data(request: Request, kind: str, groups: Iterable[str], /, **values: Any) -> dict[str, Any]:
    """Return what the script of a page about cases reads: which page it is, its words, and its values.

    Parameters
    ----------
    kind : str
        As `maps/web/src/cases.ts` knows the page.
    groups : iterable of str
        Groups of `maps/locale` whose words the page needs, in the reader's language.
    """
    # A page that listens says when an area comes into another mode.
    language, prefixes = reader_language(request), tuple(f"{group}." for group in (*groups, "mode"))
    said = {key: value for key, value in words(language).items() if key.startswith(prefixes)}
    # What a page says of a service that does not answer it: the same on the pages of plans.
    shared = "page.asking."
    said |= {
        f"asking.{key.removeprefix(shared)}": value
        for key, value in words(language).items()
        if key.startswith(shared)
    }
    return {"kind": kind, "language": language, "words": said, **values}


def missing_page(request: Request, actor: Actor | None = None) -> HTMLResponse:
    """Return the page that says that something is not there, or not for the reader to know."""
    return page(request, "missing.html", HTTPStatus.NOT_FOUND, actor=actor)


def away_page(request: Request, *, after_s: int) -> HTMLResponse:
    """Return the page of a database that is away; it asks again by itself, as a wall has no hands."""
    answer = page(request, "away.html", HTTPStatus.SERVICE_UNAVAILABLE, after_s=after_s)
    answer.headers["Retry-After"] = str(after_s)
    return answer


def is_for_people(request: Request) -> bool:
    """Whether a browser asks for a page, not a script or another program for data."""
    return "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith("/api/")


def safe_next(address: str | None) -> str:
    """Return where to go after signing in: a path of this service, else its first page."""
    address = address or "/"
    if not address.startswith("/") or "\\" in address or not address.isprintable():
        return "/"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else address


def page_session(request: Request, store: StoreDep) -> Iterator[Session]:
    """Open the transaction of a page, with the rights of whoever is signed in at this browser.

    Raises
    ------
    SignInFirstError
        Nobody is.
    """
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise SignInFirstError
    key = PresentedKey(key_hash(cookie), "session")
    with Session(store.engine) as session, session.begin():
        row = session.execute(
            sql("SELECT * FROM enter(:token, :kinds)"), {"token": key.sha256, "kinds": [key.kind]}
        ).one_or_none()
        try:
            entered(row, key, request)
        except NotSignedInError:
            raise SignInFirstError from None
        note_mode(request, session)
        yield session


def note_mode(request: Request, session: Session) -> None:
    """Let the page say that areas of the reader are in an emergency, or else in a drill, and which."""
    standing = session.execute(sql("SELECT mode, area, name, level FROM standing_modes()")).all()
    if standing:
        gravest = standing[0].mode
        request.state.alert = {
            "mode": gravest, "names": [
                area_name(row.name, row.level, row.area, reader_language(request))
                for row in standing if row.mode == gravest
            ],
        }  # fmt: skip


PageSessionDep = Annotated[Session, Depends(page_session, scope="function")]


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form that this service's own page sent.

    Raises
    ------
    NotAllowedError
        Another site sent it.
    TooLargeError
        It is larger than any form here.
    """
    if not _is_own(request):
        raise NotAllowedError("cross_site", "this form was sent by another site")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM_BYTES:
            raise TooLargeError("form_too_large", f"a form has at most {LARGEST_FORM_BYTES} bytes")
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: value.replace("\x00", "") for name, value in fields}


def _is_own(request: Request) -> bool:
    """Whether a form comes from a page of this service; browsers say so and pages cannot change it."""
    said = request.headers.get("Sec-Fetch-Site")
    if said is not None:
        return said in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    settings: Settings = request.app.state.settings
    # A proxy may have rewritten the host.
    own = {request.headers.get("Host", ""), urlsplit(settings.public_url or "").netloc}
    return urlsplit(origin).netloc in own - {""}


FormDep = Annotated[dict[str, str], Depends(form_of)]


def add_pages(app: FastAPI) -> None:
    """Serve the style of the pages, and send who is not signed in to the login."""
    assets = resources.files("maps") / "pages" / "assets"
    bundle = resources.files("maps") / "static"
    if bundle.is_dir():
        app.mount("/bundle", StaticFiles(directory=Path(str(bundle))), name="bundle")
    app.mount("/assets", StaticFiles(directory=Path(str(assets))), name="assets")

    @app.exception_handler(SignInFirstError)
    def sign_in_first(request: Request, error: SignInFirstError) -> Response:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        wanted = asked if request.method == "GET" and asked != "/" else None
        return RedirectResponse(
            "/login" + (f"?next={quote(wanted, safe='/')}" if wanted else ""), HTTPStatus.SEE_OTHER
        )
