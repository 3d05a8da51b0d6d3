"""The application of one API process; apart from `serving`, whose own start need not load it."""

from __future__ import annotations

import os

from fastapi import FastAPI

from api.logs import configure_logs
from api.main import create_app
from api.serving import STORE_URL_VARIABLE
from api.settings import Settings


def app_of_worker() -> FastAPI:
    """Return the application, from what `weige serve` left in the environment."""
    configure_logs()
    return create_app(Settings.from_environment(), os.environ[STORE_URL_VARIABLE])
