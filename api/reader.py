"""Whoever reads an answer: the language asked for, and a fault told in it."""

from __future__ import annotations

from fastapi import Request

from api.fault_lines import fault_line
from geo.errors import GeoError
from maps.text import LANGUAGES, Language, words


def asked_language(request: Request) -> Language | None:
    """Return the language of Accept-Language that is liked best; None where it names none of ours."""
    best: dict[Language, float] = dict.fromkeys(LANGUAGES, 0.0)
    for part in request.headers.get("Accept-Language", "").split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        for language in LANGUAGES:
            if tag.strip().lower().startswith(language[:2]):
                best[language] = max(best[language], _weight(weight))
    liked = max(LANGUAGES, key=lambda language: best[language])
    return liked if best[liked] else None


def _weight(said: str) -> float:
    try:
        return min(max(float(said or 1.0), 0.0), 1.0)
    except ValueError:
        return 0.0


def answered(request: Request, error: GeoError) -> str:
    """Return an error as one line of an answer: in Chinese where that is asked for, else as it is.

    Either way no option of the command line is named.
    """
    if asked_language(request) == "zh_CN":
        return fault_line(error, "zh_CN", served=True)
    if f"served.{getattr(error, 'code', '')}" in words("en"):
        return fault_line(error, "en", served=True)
    return str(error)
