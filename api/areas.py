"""How pages name divisions, and list those in which somebody may read: by name, else by level and code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
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
    acts : bool
        Whether the actor has one of the roles asked for there.
    """

    id: int
    code: str
    name: str
    level: str
    path: str
    depth: int
    acts: bool


def areas_read(
    session: Session,
    language: Language,
    *,
    with_root: bool = True,
    of_cases: bool = False,
    acting_as: Sequence[str] = (),
) -> list[Area]:
    """Return the divisions that the actor may read, from above.

    Parameters
    ----------
    with_root : bool, default True
        The root too; a page that has an "All" of its own leaves it out.
    of_cases : bool, default False
        Only those whose cases he sees.
    acting_as : sequence of str
        Roles that `Area.acts` asks for.
    """
    seen = "case_areas()" if of_cases else "reading_areas()"
    rows = session.execute(
        query(f"""SELECT id, code, name, level, path::text AS path, nlevel(path) AS depth,
                         path <@ ANY (areas(VARIADIC cast(:roles AS text[]))) AS acts
                  FROM divisions WHERE path <@ ANY ({seen}) AND (:with_root OR level <> 'all')
                  ORDER BY path LIMIT :most"""),
        {"most": MOST_AREAS, "with_root": with_root, "roles": list(acting_as)},
    )  # fmt: skip
    areas = []
    for row in rows:
        name = area_name(row.name, row.level, row.code, language)
        areas.append(Area(row.id, row.code, name, row.level, row.path, row.depth, row.acts))
    return areas


def names_of_areas(session: Session, language: Language) -> dict[str, str]:
    """Return the names of the divisions that the actor may read, by code."""
    return {one.code: one.name for one in areas_read(session, language)}


def names_by_id(session: Session, language: Language) -> dict[int, str]:
    """Return the names of all divisions that the actor knows of, by id."""
    rows = session.execute(query("SELECT id, name, level, code FROM divisions"))
    return {row.id: area_name(row.name, row.level, row.code, language) for row in rows}


def with_area(rows: Iterable[Row[Any]], language: Language) -> list[dict[str, Any]]:
    """Return rows that tell `name`, `level` and `code` of a division with its name as `area`."""
    return [{**row._mapping, "area": area_name(row.name, row.level, row.code, language)} for row in rows]


def area_name(name: str | None, level: str, code: str, language: Language) -> str:
    """Return the name of a division; of one without, or called as its code, what it is and its code."""
    return name if name and name != code else text(f"division.{level}", language, code=code)
