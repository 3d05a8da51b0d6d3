"""Places of the actor's areas by address: units, compounds and streets as last loaded, kept in memory."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.geocode import Addressed, Gazetteer, Named

# Sets of areas whose places a process keeps: people of a street ask of the same ones.
MOST_KEPT = 8
# A street along the edge of a community belongs to it; about 30 m.
ALONG_DEG = 0.0003

_UNITS = """
    SELECT u.address, u.community_id, ST_AsBinary(u.geom) AS shape FROM units u
    WHERE u.ground_id = ANY (:grounds) AND u.address <> '' AND u.geom IS NOT NULL"""
# The layers round the units are everybody's to see: asked for by the communities of whoever asks.
_NAMED = """
    SELECT n.name, n.kind, array_agg(d.id ORDER BY d.id) AS communities, ST_AsBinary(n.geom) AS shape
    FROM (SELECT name, 'street' AS kind, geom FROM roads
          UNION ALL SELECT name, 'compound', geom FROM compounds) n
      JOIN divisions d ON d.id = ANY (:communities) AND d.geom && ST_Expand(n.geom, :along)
        AND ST_DWithin(d.geom, n.geom, CASE n.kind WHEN 'street' THEN cast(:along AS float8) ELSE 0 END)
    WHERE n.name <> '' GROUP BY n.name, n.kind, n.geom"""


class Gazetteers:
    """Gazetteers by the grounds and layers that they are made of: loading anew makes others."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Gazetteer] = {}

    def of(self, session: Session) -> Gazetteer:
        """Return the places of all communities that the actor of a session may read."""
        grounds = session.execute(
            text("SELECT community_id, max(id) AS ground FROM grounds WHERE root_id IS NULL"
                 " GROUP BY community_id ORDER BY community_id")
        ).all()  # fmt: skip
        layers = session.execute(
            text("""
                SELECT (SELECT max(id) FROM layer_changes WHERE layer = 'roads') AS roads,
                       (SELECT max(id) FROM compounds) AS compounds""")
        ).one()
        key = (*((row.community_id, row.ground) for row in grounds), layers.roads, layers.compounds)
        found = self._kept.get(key)
        if found is None:
            found = _gazetteer(
                session, [row.ground for row in grounds], [row.community_id for row in grounds]
            )
            while len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return found


def _gazetteer(session: Session, grounds: list[int], communities: list[int]) -> Gazetteer:
    if not grounds:
        return Gazetteer([], [])
    units = session.execute(text(_UNITS), {"grounds": grounds})
    named = session.execute(text(_NAMED), {"communities": communities, "along": ALONG_DEG})
    return Gazetteer(
        (Addressed(row.address, row.community_id, bytes(row.shape)) for row in units),
        (Named(row.name, row.kind, tuple(row.communities), bytes(row.shape)) for row in named),
    )
