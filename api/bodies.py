"""The size of request bodies: what is larger than any change needs to be is refused before it is read."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

# Uploads are written to the disk as they come and have limits of their own (api/uploads.py).
_STREAMED = "/api/v1/uploads"


class BodyLimit:
    """Refuse bodies above a size, by what they say of themselves or else while they come (plain ASGI)."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self.app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer 413."""
        if scope["type"] != "http" or scope["path"] == _STREAMED:
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("Content-Length", "")
        if said.isascii() and said.isdecimal() and int(said) > self._most:
            # The body is not read: the connection cannot be used again.
            answer = problem(413, "too_large", self._told(), headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        came = 0

        async def counting() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                # The one error that FastAPI lets through while it reads a body.
                raise HTTPException(413, self._told(), headers={"Connection": "close"})
            return message

        await self.app(scope, counting, send)

    def _told(self) -> str:
        return f"a body may have {self._most} bytes; send it in parts, or files to {_STREAMED}"


def add_body_limit(app: FastAPI, *, most_bytes: int) -> None:
    """Limit the bodies of requests to the application."""
    app.add_middleware(BodyLimit, most_bytes=most_bytes)
