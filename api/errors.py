"""Every error `api` raises, and the table that turns errors into HTTP problems."""

from __future__ import annotations

from typing import Any

from geo.errors import GeoError, InputError


class ServiceError(GeoError):
    """Base of every error of this package.

    Parameters
    ----------
    code : str
        Stable name of the fault; its sentence stands in `maps/locale` under `problem.<code>`.
    message : str
        The same in one English line, with what would mend it.
    """

    status = 400

    def __init__(self, code: str, message: str, **values: Any) -> None:
        self.code = code
        self.values = values
        super().__init__(message)


class NotSignedInError(ServiceError):
    """No valid session or token came with the request."""

    status = 401


class NotAllowedError(ServiceError):
    """The actor may see the thing, but not do this to it."""

    status = 403


class NotFoundError(ServiceError):
    """There is no such thing, or the actor may not know of it."""

    status = 404


class ConflictError(ServiceError):
    """The thing is in a state that does not allow this."""

    status = 409


class ChangedError(ServiceError):
    """Somebody changed the thing meanwhile (If-Match); `values` holds both states."""

    status = 412


class TooLargeError(ServiceError):
    """A body or upload is larger than allowed."""

    status = 413


class NotValidError(ServiceError):
    """A value cannot be accepted."""

    status = 422


class TooManyError(ServiceError):
    """Too many requests; `retry_after_s` says after how many seconds there may be more."""

    status = 429


class AwayError(ServiceError):
    """The service cannot do this now, but soon."""

    status = 503


class ClusterError(InputError):
    """The private database cannot be made, started or reached."""
