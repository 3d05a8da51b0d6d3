"""Structured logs: every record one JSON line, with the id of the request it belongs to."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

request_id: ContextVar[str] = ContextVar("request_id", default="")


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def configure_logs(level: int = logging.INFO) -> None:
    """Write every log record as one JSON line on stderr, with the id of its request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter("{asctime}{levelname}{name}{message}{request_id}", style="{",
                      rename_fields={"asctime": "at", "levelname": "level", "name": "from"})
    )  # fmt: skip
    handler.addFilter(_WithRequestId())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Steps of every start, and tracebacks of a pool that waits for its database, which is told elsewhere.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
