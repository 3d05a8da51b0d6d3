"""The OpenAPI document: the problem documents, how one signs in, and what every route shares."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.dependencies import CSRF_HEADER, SESSION_COOKIE
from api.examples import add_examples
from api.requests import IDEMPOTENCY_HEADER
from api.schemas import Problem, problems

DESCRIPTION = f"""
Communities, their units and micro-grids, plans with their versions, red stations, jobs and live events.

Households are counted, never named. Coordinates are WGS 84 longitude, latitude. Errors are problem documents
(RFC 9457) with a stable `code`. Machines send a token (`Authorization: Bearer …`); pages send their session
cookie, and the header `{CSRF_HEADER}` with every change. A change carries `If-Match` with the entity tag of
what it changes; a POST may carry an `{IDEMPOTENCY_HEADER}`, so that sending it again does nothing twice.
"""
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def add_openapi(app: FastAPI) -> None:
    """Complete the document of an application whose routes are all added."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title="weige", version=version("weige"), description=DESCRIPTION, routes=app.routes
            )
            components = made.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            components["securitySchemes"] = SECURITY_SCHEMES
            for operation in _operations(made):
                if "requestBody" in operation:
                    operation["responses"].setdefault("413", problems(413)[413])
            add_examples(made)
            made["security"] = [{name: []} for name in SECURITY_SCHEMES]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
