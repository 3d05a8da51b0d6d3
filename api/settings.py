"""What the environment says: the only module that reads it."""

from __future__ import annotations

import os

from maps.text import Language


def reader_language() -> Language:
    """Return the language of the reader's locale: Chinese for any Chinese locale, else English."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh_CN" if named.lower().startswith("zh") else "en"
