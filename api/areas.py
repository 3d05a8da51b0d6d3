"""The divisions in which somebody may read, as pages list them: by name, else by level and code."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text as query
from sqlalchemy.orm import Session

from maps.text import Language, text

# In a larger city pages are opened with ?area=CODE.
MOST_AREAS = 3000


@dataclass(frozen=True)
class Area:
    """A division as a list of a page names it.

    Attributes
    ----------
    id : int
    code : str
    name : str
    level : str
        As `division_levels` has it; "all" is the root of the tree.
    path : str
        Ids from the root on, with dots between them.
    depth : int
        How many these are.
    """

    id: int
    code: str
    name: str
    level: str
    path: str
    depth: int


def areas_read(session: Session, language: Language, *, with_root: bool = True) -> list[Area]:
    """Return the divisions that the actor may read, from above; the root unless the page has an "All"."""
    rows = session.execute(
        query("""SELECT id, code, name, level, path::text AS path, nlevel(path) AS depth FROM divisions
                 WHERE path <@ ANY (reading_areas()) AND (:with_root OR level <> 'all')
                 ORDER BY path LIMIT :most"""),
        {"most": MOST_AREAS, "with_root": with_root},
    )  # fmt: skip
    areas = []
    for row in rows:
        name = area_name(row.name, row.level, row.code, language)
        areas.append(Area(row.id, row.code, name, row.level, row.path, row.depth))
    return areas


def area_name(name: str | None, level: str, code: str, language: Language) -> str:
    """Return the name of a division; of one without, or called as its code, what it is and its code."""
    return name if name and name != code else text(f"division.{level}", language, code=code)
