"""Whoever reads an answer: the language asked for, and a fault told in it."""

from __future__ import annotations

from fastapi import Request

from geo.errors import GeoError, InputError
from maps.text import LANGUAGES, Language, said_by_others, text, words


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
    """Return an error as one line of an answer: in Chinese where that is asked for, else as it is."""
    return fault_line(error, "zh_CN") if asked_language(request) == "zh_CN" else str(error)


def fault_line(error: GeoError, language: Language) -> str:
    """Return an error as one line in the reader's language: place, what is wrong, what would mend it."""
    code = getattr(error, "code", "")  # of an error of the service too
    if f"problem.{code}" in words(language) and not isinstance(error, InputError):
        try:
            return text(f"problem.{code}", language, **getattr(error, "values", {}), said=str(error))
        except KeyError:  # the same code from where less is known
            return str(error)
    key = f"error.{code}" if isinstance(error, InputError) else ""
    if not isinstance(error, InputError) or key not in words(language):
        return str(error)
    places = (
        ("file", error.file),
        ("layer", error.layer),
        ("field", error.field),
        ("feature", error.feature),
    )
    place = text("cli.place_join", language).join(
        text(f"cli.place.{kind}", language, name=name) for kind, name in places if name
    )
    values = {**dict(places), **error.values}
    if "reason" in values:
        values["reason"] = said_by_others(str(values["reason"]), language)
    try:
        said = text(key, language, **values)
    except KeyError:
        return str(error)
    return text("cli.place_then", language, place=place, said=said) if place else said
