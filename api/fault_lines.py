"""A fault as one line in the language of its reader; known to the command line without the service."""

from __future__ import annotations

from geo.errors import GeoError, InputError
from maps.text import Language, said_by_others, text, words


def fault_line(error: GeoError, language: Language, *, served: bool = False) -> str:
    """Return an error as one line in the reader's language: place, what is wrong, what would mend it.

    To a reader of the service (`served`) it names no option of the command line.
    """
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
    if served and f"served.{code}" in words(language):
        key = f"served.{code}"
    values = {**dict(places), **error.values}
    for name in ("kind", "looks"):
        named = words(language).get(f"served.layers.{values.get(name)}")
        values[f"{name}_name"] = named or str(values.get(name))
    if "reason" in values:
        values["reason"] = said_by_others(str(values["reason"]), language)
    try:
        said = text(key, language, **values)
    except KeyError:
        return str(error)
    return text("cli.place_then", language, place=place, said=said) if place else said
