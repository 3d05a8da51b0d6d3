"""Walking minutes round a place, by the streets, walls, water and gates that the store holds."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import text
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from pyproj import CRS

    from geo.paths import Paths

# Ways are kept for places of this size together: whoever moves on, or asks beside somebody, finds them made.
CELL_DEG = 0.01
MOST_KEPT = 32
# How far one may ask to walk, in minutes; the ways of a cell are made as far as the next of these.
REACHES_MIN = (5.0, 15.0, 30.0)
# A degree of latitude, at least; towards the poles a box is not made wider than this times.
_METRES_PER_DEG = 110_500.0
_WIDEST = 10.0
_LAYERS = "'roads', 'water', 'barriers', 'gates', 'compounds'"


# Why walks are straight lines: the store has no streets round there, or none that one could get to.
Straight: TypeAlias = Literal["no_streets", "no_way"]


@dataclass(frozen=True)
class Ways:
    """The streets round a place, None where there are none, in a CRS in metres."""

    paths: Paths | None
    crs: CRS


@dataclass(frozen=True)
class Walk:
    """The way from a place to another: minutes on foot, None where none is found in time."""

    minutes: float | None
    metres: float | None


class Walks:
    """Walks of one store, with the ways of the last places kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, float], tuple[int, Ways]] = OrderedDict()
        self._making = Lock()

    def to(
        self,
        session: Session,
        lon: float,
        lat: float,
        places: Sequence[tuple[float, float]],
        *,
        minutes: float,
    ) -> tuple[list[Walk], Straight | None]:
        """Time the walks from a place to others; where they are straight lines, say why, else None.

        Parameters
        ----------
        places : sequence of (lon, lat)
            At least one.
        minutes : float
            Longer walks are not looked at; at most the last of `REACHES_MIN`.
        """
        # scipy and shapely take their time to load, and most workers answer other questions.
        import numpy as np

        from geo.crs import STORED_CRS, transformer
        from geo.reach import METRES_PER_MINUTE, reach

        ways = self._ways(session, lon, lat, next(limit for limit in REACHES_MIN if minutes <= limit))
        lons, lats = zip(*[(lon, lat), *places], strict=True)
        xy = np.column_stack(transformer(STORED_CRS, ways.crs).transform(lons, lats))
        found = reach(xy[1:], xy[:1], ways.paths, limit_minutes=minutes)
        straight: Straight | None = "no_streets" if found.is_straight else None
        if straight is None and len(found.stations_unconnected):
            # No way leads from whoever asks: a line is better than nothing, and is said to be one.
            straight = "no_way"
            found = reach(xy[1:], xy[:1], None, limit_minutes=minutes)
        walks = [
            Walk(float(each), float(each) * METRES_PER_MINUTE) if math.isfinite(each) else Walk(None, None)
            for each in found.minutes
        ]
        return walks, straight

    def _ways(self, session: Session, lon: float, lat: float, limit: float) -> Ways:
        revision = session.execute(text(f"SELECT layer_revision({_LAYERS})")).scalar_one()
        key = (math.floor(lon / CELL_DEG), math.floor(lat / CELL_DEG), limit)
        with self._making:
            kept = self._kept.get(key)
            if kept is None or kept[0] != revision:
                self._kept[key] = kept = (revision, _ways_round(session, key))
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return kept[1]


def box_round(lon: float, lat: float, metres: float) -> tuple[float, float, float, float]:
    """Return a box (min_lon, min_lat, max_lon, max_lat) that holds all that lies within some metres."""
    high = metres / _METRES_PER_DEG
    wide = high * min(1 / max(math.cos(math.radians(min(abs(lat) + high, 90.0))), 1e-9), _WIDEST)
    return max(lon - wide, -180.0), max(lat - high, -90.0), min(lon + wide, 180.0), min(lat + high, 90.0)


def _ways_round(session: Session, key: tuple[int, int, float]) -> Ways:
    import numpy as np
    import shapely

    from geo.crs import STORED_CRS, transformer, working_crs
    from geo.paths import walkable
    from geo.reach import METRES_PER_MINUTE
    from geo.reached import not_walked

    column, row, limit = key
    metres = limit * METRES_PER_MINUTE
    low = box_round(column * CELL_DEG, row * CELL_DEG, metres)
    high = box_round((column + 1) * CELL_DEG, (row + 1) * CELL_DEG, metres)
    box = (min(low[0], high[0]), low[1], max(low[2], high[2]), high[3])
    crs = working_crs(STORED_CRS, box)
    onto = transformer(STORED_CRS, crs)

    def shapes(sql: str, **values: object) -> tuple[np.ndarray, list[object]]:
        rows = session.execute(
            text(f"{sql} AND geom && ST_MakeEnvelope(:a, :b, :c, :d, 4490) ORDER BY id"),
            {**dict(zip("abcd", box, strict=True)), **values},
        ).all()
        read = shapely.from_wkb(np.array([bytes(each[0]) for each in rows], dtype=object))
        moved = shapely.transform(read, lambda xy: np.column_stack(onto.transform(xy[:, 0], xy[:, 1])))
        return moved, [each[1] for each in rows]

    wkb = "SELECT ST_AsBinary(geom)"
    streets, bridges = shapes(
        f"{wkb}, bridge FROM roads WHERE coalesce(lower(road_class), '') <> ALL (:not_walked)",
        not_walked=sorted(not_walked()),
    )
    if not np.isin(shapely.get_type_id(streets), (1, 5)).any():
        return Ways(None, crs)
    barriers, _ = shapes(f"{wkb}, id FROM barriers WHERE true")
    compounds, _ = shapes(f"{wkb}, id FROM compounds WHERE walled")
    water, _ = shapes(f"{wkb}, id FROM water WHERE true")
    gates, _ = shapes(f"{wkb}, id FROM gates WHERE true")
    paths = walkable(
        streets, is_bridge=np.array(bridges, bool), walls=np.concatenate([barriers, compounds]), water=water,
        gates=gates,
    )  # fmt: skip
    return Ways(paths, crs)
