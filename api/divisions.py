"""The communities of a file in the division tree, with the divisions above them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import shapely
from psycopg import Connection
from psycopg import errors as pg

from api.errors import NotAllowedError, NotFoundError
from geo.errors import InputError
from geo.names import shortened

# Digits of the statistical division code (GB/T 10114) at which each tier ends.
TIERS = ((2, "province"), (4, "city"), (6, "county"), (9, "street"))
STREET_DIGITS = 9
CODE_DIGITS = 12
LONGEST_NAME = 200


def place_communities(
    connection: Connection[Any], communities: pd.DataFrame, *, under: str | None = None
) -> list[int]:
    """Return the id of the division of each community, made where it is missing.

    A 12-digit code brings the divisions above it: 2 digits the province, 4 the city, 6 the county, 9 the
    street. Other ids stand below the root, or below `under`. Borders and names of communities that are
    there already follow the file where the actor administers them; a street without a name takes the town's.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    communities : DataFrame
        `code`, `name`, `town` (name of the street or town, or None), `geom` (shapes in the stored CRS).
    under : str, optional
        Code of a division.

    Raises
    ------
    InputError
        A community is there already, but not below `under`.
    NotFoundError
        There is no division `under`, or the actor may not know of it.
    NotAllowedError
        The actor may not add a division where it would stand.
    """
    tree = _Tree(connection)
    if under is not None and under not in tree.ids:
        raise NotFoundError(
            "division_unknown", f"there is no division {shortened(under)}", division=shortened(under)
        )
    wkb = shapely.to_wkb(
        shapely.set_srid(communities["geom"].to_numpy(), 4490), include_srid=True, byte_order=1
    )
    ids = []
    columns = (communities["code"], communities["name"], communities["town"], wkb)
    for code, name, town, border in zip(*columns, strict=True):
        is_official = code.isascii() and code.isdigit() and len(code) == CODE_DIGITS
        if code in tree.ids:
            if under is not None and not is_official and not tree.stands_below(code, under):
                raise InputError(
                    "community_elsewhere",
                    f"community {shortened(code)} is there already, but not below {shortened(under)}",
                    mend="give communities their 12-digit codes",
                    layer="communities",
                    feature=shortened(code),
                    under=shortened(under),
                )
        else:
            above = tree.ancestors(code) if is_official else tree.ids[under or "all"]
            tree.add(code, "community", above)
        ids.append(tree.ids[code])
        if is_official and town is not None:
            connection.execute(
                "UPDATE divisions SET name = %s, revision = revision + 1"
                " WHERE code = %s AND level = 'street' AND name IS NULL",
                [town[:LONGEST_NAME], code[:STREET_DIGITS]],
            )
        connection.execute(
            "UPDATE divisions SET geom = %(geom)s::geometry, name = coalesce(%(name)s, name),"
            " revision = revision + 1 WHERE id = %(id)s AND (geom IS DISTINCT FROM %(geom)s::geometry"
            " OR name IS DISTINCT FROM coalesce(%(name)s, name))",
            {"id": tree.ids[code], "geom": border, "name": name},
        )
    return ids


class _Tree:
    """The division tree as the actor sees it."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.ids: dict[str, int] = {}
        self.paths: dict[str, list[str]] = {}
        for code, number, path in connection.execute("SELECT code, id, path::text FROM divisions"):
            self.ids[code] = number
            self.paths[code] = path.split(".")

    def stands_below(self, code: str, above: str) -> bool:
        return str(self.ids[above]) in self.paths[code][:-1]

    def ancestors(self, code: str) -> int:
        """Return the division above a community with an official code, made where it is missing."""
        above = self.ids.get("all", 0)
        for digits, level in TIERS:
            part = code[:digits]
            if part not in self.ids:
                self.add(part, level, above)
            above = self.ids[part]
        return above

    def add(self, code: str, level: str, above: int) -> None:
        try:
            found = self.connection.execute(
                "INSERT INTO divisions (parent_id, level, code) VALUES (%s, %s, %s) RETURNING id, path::text",
                [above, level, code],
            ).fetchone()
        except (pg.InsufficientPrivilege, pg.UniqueViolation, pg.NoDataFound) as error:
            # Also where it is there, but in an area of which the actor may not know.
            raise NotAllowedError(
                "division_not_yours",
                f"you may not add the division {shortened(code)} there; an administrator of the area can",
                division=shortened(code),
            ) from error
        assert found is not None
        self.ids[code], self.paths[code] = found[0], found[1].split(".")
