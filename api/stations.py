"""A layer of stations into the store: every row, or none; and the register as a file to be read again."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.errors import NotAllowedError
from api.opening import require_hours
from api.queries import DECIMALS
from geo.crs import STORED_CRS
from geo.errors import InputError
from geo.findings import Finding
from geo.layers import Layer, read_layer
from geo.names import shortened
from geo.personal_numbers import MASK
from maps.workbook import as_written, harmless

FileFormat: TypeAlias = Literal["csv", "xlsx", "geojson"]
MEDIA_TYPES: Mapping[FileFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}
COLUMNS = ("station_id", "name", "type", "facilities", "opening_hours")

_BETWEEN = re.compile(r"[;；,，、|]")
# What a line of text may hold, as the service takes it; and how many things a station may offer.
LONGEST = 200
MOST_FACILITIES = 50
# About a centimetre: files keep no more.
_SAME_PLACE_DEG = 1e-7


@dataclass(frozen=True)
class StationChange:
    """What a row of a file does: it adds a station, or changes fields of one; no fields: nothing."""

    station_id: str
    name: str
    is_new: bool
    fields: tuple[str, ...]


@dataclass(frozen=True)
class LoadedStations:
    """What came of a layer of stations, row by row, and what was noticed."""

    changes: tuple[StationChange, ...]
    findings: tuple[Finding, ...]

    @property
    def added(self) -> int:
        """How many are new."""
        return sum(change.is_new for change in self.changes)

    @property
    def changed(self) -> int:
        """How many were known and are changed."""
        return sum(bool(change.fields) for change in self.changes)

    @property
    def unchanged(self) -> int:
        """How many were known as they are."""
        return len(self.changes) - self.added - self.changed

    def counts(self) -> dict[str, int]:
        """Return the three numbers by name."""
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}


def load_stations(
    session: Session, source: str, *, fields: Mapping[str, str] | None = None, crs: str | None = None
) -> LoadedStations:
    """Add stations, or change those of the same id, in the transaction of a session.

    A station belongs to the community it lies in; on a border, to the one with the smaller code.

    Parameters
    ----------
    session : Session
    source : str
        A layer of points with `station_id` and `name`; `type`, `facilities` (several with ; between them)
        and `opening_hours` where known.

    Raises
    ------
    InputError
        A row has no id, name or place, lies in no community, or has opening hours that cannot be read.
    NotAllowedError
        A station lies, or lay, where the actor does not plan.
    """
    layer = read_layer(source, "stations", fields=fields or {}, crs=crs, required=("station_id",))
    try:
        rows = _rows(session, layer)
    except InputError as error:
        error.field = error.field and layer.headed(error.field)
        raise
    return _store(session, rows, layer.findings)


def _rows(session: Session, layer: Layer) -> list[dict[str, object]]:
    """Return what the rows of a layer say of stations; refuses the first that cannot be used."""
    frame = layer.frame
    is_placed = all(finding.code != "features_without_geometry" for finding in layer.findings)
    if len(frame) == 0 and is_placed:
        raise InputError(
            "layer_empty", "it has no features", mend="check the export", file=layer.name, layer="stations"
        )
    _refuse_doubts(layer)
    ids = [as_written(said) for said in frame["station_id"].tolist()]
    names, kinds, facilities, hours = (
        [None if said is None else as_written(said) for said in frame[column].tolist()]
        for column in COLUMNS[1:]
    )
    for station, name in zip(ids, names, strict=True):
        if name is None:
            raise _fault("station_without_name", "it has no name", "enter one", layer.name, station, "name")
    _refuse_long(layer.name, ids, {"station_id": ids, "name": names, "type": kinds, "opening_hours": hours})
    # What a number of a person was taken out of is no facility: beside it stands whose number it was.
    offers = [
        [part.strip() for part in _BETWEEN.split(said or "") if part.strip() and MASK not in part]
        for said in facilities
    ]
    _refuse_long(layer.name, ids, {"facilities": [max(parts, key=len, default="") for parts in offers]})
    for station, parts in zip(ids, offers, strict=True):
        if len(parts) > MOST_FACILITIES:
            raise InputError(
                "station_facilities", f"it has {len(parts):,} facilities, more than {MOST_FACILITIES}",
                mend="name the main ones", file=layer.name, layer="stations", field="facilities",
                feature=shortened(station), n=len(parts), most=MOST_FACILITIES,
            )  # fmt: skip
    require_hours(hours, file=layer.name, ids=ids)
    spots = np.array(frame.to_crs(STORED_CRS).geometry, dtype=object)
    homes = _communities(session, spots)
    lost = np.flatnonzero(homes < 0)
    if len(lost):
        spot = spots[lost[0]]
        raise _fault(
            "station_outside", f"its place ({spot.x:.6g}, {spot.y:.6g}) lies in no community of the store",
            "load the communities first, or correct its place",
            layer.name, ids[lost[0]], layer.place_field,
            n=len(lost), lon=f"{spot.x:.6g}", lat=f"{spot.y:.6g}",
        )  # fmt: skip
    return [
        {
            "community_id": int(home),
            "station_id": station,
            "name": name,
            "type": kind,
            "facilities": offered,
            "opening_hours": told,
            "geom": shapely.to_wkb(shapely.set_srid(spot, 4490), include_srid=True),
        }
        for home, station, name, kind, offered, told, spot in zip(
            homes, ids, names, kinds, offers, hours, spots, strict=True
        )
    ]


def _refuse_long(file: str, ids: Sequence[str], columns: Mapping[str, Sequence[str | None]]) -> None:
    """Refuse what no page could show: the service takes no longer lines either."""
    for field, said in columns.items():
        for station, told in zip(ids, said, strict=True):
            if told is not None and len(told) > LONGEST:
                raise InputError(
                    "station_text_long", f"its {field} has {len(told):,} characters, more than {LONGEST}",
                    mend="shorten it", file=file, layer="stations", field=field, feature=shortened(station),
                    n=len(told), most=LONGEST,
                )  # fmt: skip


def _refuse_doubts(layer: Layer) -> None:
    """Refuse what a map would only remark on: a row left out, or ids not read since they are of persons."""
    for finding in layer.findings:
        if finding.code == "ids_are_row_numbers":
            raise InputError(
                "station_ids_personal",
                "its column of ids holds telephone or identity numbers of persons and was not read",
                mend="number the stations in a column station_id",
                file=layer.name,
                layer="stations",
            )
        if finding.code == "features_without_geometry":
            raise _fault(
                "station_without_place", "it has no place", "enter one",
                layer.name, str(finding.values["first"]), layer.place_field,
            )  # fmt: skip


def _fault(
    code: str, message: str, mend: str, file: str, station: str, field: str, **values: str | int
) -> InputError:
    return InputError(
        code, message, mend=mend, file=file, layer="stations", field=field, feature=shortened(station),
        **values,
    )  # fmt: skip


def _communities(session: Session, spots: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the id of the community each spot lies in, -1 for none."""
    rows = session.execute(
        text(
            "SELECT id, ST_AsBinary(geom) FROM divisions WHERE level = 'community'"
            " AND geom && ST_MakeEnvelope(:low_x, :low_y, :high_x, :high_y, 4490) ORDER BY code"
        ),
        dict(zip(("low_x", "low_y", "high_x", "high_y"), shapely.total_bounds(spots).tolist(), strict=True)),
    ).all()
    homes = np.full(len(spots), -1, np.int64)
    if not rows:
        return homes
    borders = shapely.from_wkb(np.array([bytes(row[1]) for row in rows], dtype=object))
    spot, border = shapely.STRtree(borders).query(spots, predicate="intersects")
    # The last assignment stays: the smallest code.
    order = np.argsort(-border, kind="stable")
    homes[spot[order]] = np.array([row[0] for row in rows], np.int64)[border[order]]
    return homes


def _store(session: Session, rows: list[dict[str, object]], findings: tuple[Finding, ...]) -> LoadedStations:
    known = {
        row.station_id: row
        for row in session.execute(
            text(
                "SELECT station_id, community_id, name, type, facilities, opening_hours,"
                " ST_AsEWKB(geom) AS geom FROM stations WHERE station_id = ANY (:ids)"
            ),
            {"ids": [row["station_id"] for row in rows]},
        )
    }
    changes = []
    try:
        for row in rows:
            before = known.get(row["station_id"])
            fields = () if before is None else tuple(_differing(before, row))
            changes.append(StationChange(str(row["station_id"]), str(row["name"]), before is None, fields))
            if before is not None and not fields:
                continue
            session.execute(
                text(
                    "INSERT INTO stations AS s"
                    " (community_id, station_id, name, type, facilities, opening_hours, geom)"
                    " VALUES (:community_id, :station_id, :name, :type, :facilities, :opening_hours, :geom)"
                    " ON CONFLICT (station_id) DO UPDATE SET community_id = excluded.community_id,"
                    " name = excluded.name, type = excluded.type, facilities = excluded.facilities,"
                    " opening_hours = excluded.opening_hours, geom = excluded.geom, revision = s.revision + 1"
                ),
                row,
            )
    except DBAPIError as error:
        if isinstance(error.orig, pg.InsufficientPrivilege):
            raise NotAllowedError(
                "not_allowed", f"you may not change the station {shortened(str(row['station_id']))} there"
            ) from error
        raise
    return LoadedStations(tuple(changes), findings)


def _differing(before: Any, row: Mapping[str, object]) -> Iterator[str]:
    """Yield what a row says differently from what is known; a place within a centimetre is the same."""
    for field in ("name", "type", "facilities", "opening_hours"):
        if getattr(before, field) != row[field]:
            yield field
    there, here = (shapely.from_wkb(bytes(wkb)) for wkb in (before.geom, row["geom"]))  # type: ignore[arg-type]
    if abs(there.x - here.x) > _SAME_PLACE_DEG or abs(there.y - here.y) > _SAME_PLACE_DEG:
        yield "place"
    elif before.community_id != row["community_id"]:
        yield "community"


def register_file(session: Session, kind: FileFormat, *, division: int | None = None) -> bytes:
    """Return the stations of a division, in WGS 84, as a file that `load_stations` reads.

    Parameters
    ----------
    kind : {"csv", "xlsx", "geojson"}
    division : int, optional
        Id of a division; else all that the actor sees.
    """
    rows = session.execute(
        text(f"""
            SELECT s.station_id, s.name, s.type, s.facilities, s.opening_hours,
                   round(ST_X(s.geom)::numeric, {DECIMALS})::float8 AS lon,
                   round(ST_Y(s.geom)::numeric, {DECIMALS})::float8 AS lat
            FROM stations s JOIN divisions d ON d.id = s.community_id
            WHERE cast(:division AS bigint) IS NULL
               OR d.path <@ (SELECT path FROM divisions WHERE id = :division)
            ORDER BY s.station_id"""),
        {"division": division},
    ).all()
    if kind == "geojson":
        features = [
            {
                "type": "Feature", "geometry": {"type": "Point", "coordinates": [row.lon, row.lat]},
                "properties": {
                    **{column: getattr(row, column) for column in COLUMNS},
                    "facilities": ";".join(row.facilities),
                },
            }
            for row in rows
        ]  # fmt: skip
        return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()
    heads = [*COLUMNS, "lon", "lat"]
    table = [
        [row.station_id, row.name, row.type, ";".join(row.facilities), row.opening_hours, row.lon, row.lat]
        for row in rows
    ]
    return _workbook(heads, table) if kind == "xlsx" else _csv(heads, table)


def _csv(heads: list[str], table: list[list[Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([harmless(cell) for cell in row] for row in table)
    # Excel takes a file without this mark for one in the code page of the machine.
    return out.getvalue().encode("utf-8-sig")


def _workbook(heads: list[str], table: list[list[Any]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "stations"
    sheet.append(heads)
    for row in table:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str):
                # What people typed is text, also where it begins like a formula.
                cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
