"""The compiled bundle that every page holds."""

from __future__ import annotations

from importlib import resources

from geo.errors import InputError

STYLE, PROGRAM, LICENCES = "weige.css", "weige.js", "THIRD_PARTY.txt"
FOLDER = resources.files("maps") / "static"


def require_bundle() -> None:
    """Refuse to make a page in an installation without the bundle.

    Raises
    ------
    InputError
        A file of it is missing.
    """
    for name in (STYLE, PROGRAM, LICENCES):
        if not (FOLDER / name).is_file():
            raise InputError(
                "bundle_missing",
                f"maps/static/{name} is missing",
                mend="build it with `python hatch_build.py`",
            )


def bundled(name: str) -> str:
    """Return a file of the bundle as text."""
    return (FOLDER / name).read_text(encoding="utf-8")
