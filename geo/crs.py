"""The coordinate reference systems of layers: what they declare, what their numbers say, which to work in."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]

from geo.errors import CrsError

# A layer must never make the program ask the network, not even for a datum grid.
set_network_enabled(active=False)

Bounds: TypeAlias = tuple[float, float, float, float]

STORED_CRS = CRS.from_epsg(4490)
WGS84 = CRS.from_epsg(4326)

# 1 m in 1 km: the most a working CRS may stretch the layers.
MAX_SCALE_ERROR = 1e-3

# The CGCS2000 3-degree zones without zone prefix, EPSG:4534 (75 E) to EPSG:4554 (135 E), and the latitudes
# between which they are used; elsewhere UTM.
_GK_FIRST_EPSG, _GK_FIRST_DEG = 4534, 75
_GK_LON_DEG = (73.5, 136.5)
_GK_LAT_DEG = (3.0, 54.0)

# Where Chinese layers lie, in degrees: used to recognise swapped axes and degrees among metres.
_CHINA: Bounds = (73.0, 16.0, 136.0, 54.0)
_CITY_DEG = 5.0

# Northings of China in a transverse Mercator and half the width of a 6-degree zone with some margin.
_NORTHING_M = (1.7e6, 6.1e6)
_HALF_ZONE_M = 4.5e5

_CODE = re.compile(r"\s*(?:(?:urn:ogc:def:crs:)?EPSG:(?:[\d.]*:)?)?(\d{4,6})\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Numbers:
    """The coordinates of a layer in short: their box and their middle (medians)."""

    bounds: Bounds
    x: float
    y: float

    @classmethod
    def of(cls, xy: NDArray[np.float64]) -> Numbers:
        """Return the box and the medians of (n, 2) finite coordinates, n > 0."""
        low, high = xy.min(axis=0), xy.max(axis=0)
        middle = np.median(xy, axis=0)
        return cls(
            (float(low[0]), float(low[1]), float(high[0]), float(high[1])), float(middle[0]), float(middle[1])
        )


@dataclass(frozen=True)
class Looks:
    """What coordinates look like, and the CRS that would fit.

    Attributes
    ----------
    kind : str
        `degrees`, `swapped_degrees`, `gk_zone` (Gauss-Kruger with the zone before the easting), `gk`,
        `web_mercator` or `unknown`.
    epsg : int or None
        A CRS that fits, where the numbers decide it.
    zone : int or None
        The zone before the easting.
    """

    kind: str
    epsg: int | None = None
    zone: int | None = None


def crs_named(text: str) -> CRS:
    """Return the CRS a person names: `EPSG:4549`, `4549` or the URN of an EPSG code.

    Raises
    ------
    CrsError
        It is not an EPSG code, or there is none of that number. Names of files and PROJ strings are not
        taken: they may make PROJ open other files.
    """
    found = _CODE.fullmatch(text)
    if not found:
        raise CrsError("crs_unknown", f"{text!r} is not an EPSG code", mend="write EPSG:4549", crs=text)
    try:
        return _usable(CRS.from_epsg(int(found[1])))
    except CRSError as error:
        raise CrsError(
            "crs_unknown", f"there is no EPSG:{found[1]}", mend="write EPSG:4549", crs=text
        ) from error


def crs_of_wkt(text: str) -> CRS:
    """Return the CRS a file declares in WKT or PROJJSON, as its EPSG code where it has one.

    Raises
    ------
    CrsError
        It cannot be read, is no map CRS, or refers to grid files.
    """
    try:
        crs = CRS.from_json(text) if text.lstrip().startswith("{") else CRS.from_wkt(text)
    except (CRSError, ValueError, RecursionError) as error:
        raise CrsError(
            "crs_unreadable", "its coordinate reference system cannot be read", mend="give --crs"
        ) from error
    return _usable(crs)


def known_crs(crs: Any) -> CRS:
    """Return the CRS of a GeoDataFrame under its EPSG code where it has one."""
    return _usable(CRS.from_user_input(crs))


@lru_cache(maxsize=64)
def _usable(crs: CRS) -> CRS:
    epsg = crs.to_epsg(min_confidence=70)
    if epsg is None:  # WKT 1 of a zone names its code, but is not always recognised by its content
        own = crs.to_json_dict().get("id", {})
        if own.get("authority") == "EPSG" and _same_projection(CRS.from_epsg(own["code"]), crs):
            epsg = own["code"]
    if epsg is not None:
        crs = CRS.from_epsg(epsg)
    elif crs.is_bound and crs.source_crs is not None:  # the transformation it brings may name a file
        return _usable(crs.source_crs)
    if crs.is_compound:
        return _usable(crs.sub_crs_list[0])
    if not (crs.is_geographic or crs.is_projected) or len(crs.axis_info) < 2:
        raise CrsError(
            "crs_unusable",
            f"{crs.name} is not a map projection or longitude and latitude",
            mend="give --crs",
            crs=crs.name,
        )
    return crs.to_2d() if len(crs.axis_info) > 2 else crs


def _same_projection(one: CRS, other: CRS) -> bool:
    """Whether two projected CRSs put a place near their origin at the same numbers."""
    origin = _transverse_mercator(one)
    if origin is None or not other.is_projected:
        return False
    lon, lat = origin[1] + 0.5, 30.0
    return bool(np.allclose(Proj(one)(lon, lat), Proj(other)(lon, lat), rtol=0, atol=1e-3))


def label(crs: CRS) -> str:
    """Return `EPSG:4549`, or the name of a CRS without a code."""
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.name


def require_metric_crs(frame: Any) -> CRS:
    """Return the CRS of a GeoDataFrame or GeoSeries, which must be projected and in metres.

    Raises
    ------
    CrsError
        There is none, or it is in degrees or feet.
    """
    if frame.crs is None:
        raise CrsError("crs_missing", "it declares no coordinate reference system", mend="give --crs")
    crs = CRS(frame.crs)
    if not is_metric(crs):
        raise CrsError(
            "crs_not_metric", f"{label(crs)} is not in metres", mend="project it first", crs=label(crs)
        )
    return crs


def is_metric(crs: CRS) -> bool:
    """Whether it is projected and counts in metres."""
    return crs.is_projected and all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info[:2])


def metres_per_unit(crs: CRS, latitude_deg: float) -> tuple[float, float]:
    """Return how many metres one step along x and along y is; in degrees, at the given latitude."""
    if crs.is_geographic:
        lat = math.radians(latitude_deg)
        # Series of the WGS 84 ellipsoid, better than 1 m per degree.
        north = 111_132.92 - 559.82 * math.cos(2 * lat) + 1.175 * math.cos(4 * lat)
        east = 111_412.84 * math.cos(lat) - 93.5 * math.cos(3 * lat) + 0.118 * math.cos(5 * lat)
        return east, north
    factor = float(crs.axis_info[0].unit_conversion_factor)
    return factor, factor


def transformer(source: CRS, target: CRS) -> Transformer:
    """Return the way from one CRS to the other, x first (longitude, easting)."""
    return Transformer.from_crs(source, target, always_xy=True)


def scale_error(crs: CRS, bounds: Bounds) -> float:
    """Return the largest relative error of lengths within a box of a projected CRS, sampled at 9 places."""
    lon, lat = _lon_lat_samples(crs, bounds)
    try:
        factors = Proj(crs).get_factors(lon, lat, errcheck=True)
    except ProjError:
        return math.inf
    unit = float(crs.axis_info[0].unit_conversion_factor)
    scales = np.concatenate([np.atleast_1d(factors.meridional_scale), np.atleast_1d(factors.parallel_scale)])
    error = float(np.abs(scales / unit - 1.0).max()) if unit == 1.0 else math.inf
    return error if math.isfinite(error) else math.inf


def _lon_lat_samples(crs: CRS, bounds: Bounds) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.meshgrid(np.linspace(bounds[0], bounds[2], 3), np.linspace(bounds[1], bounds[3], 3))
    if crs.is_geographic:
        return x.ravel(), y.ravel()
    lon, lat = Proj(crs)(x.ravel(), y.ravel(), inverse=True)
    return np.asarray(lon), np.asarray(lat)


def working_crs(crs: CRS, bounds: Bounds) -> CRS:
    """Return the CRS to measure in: the layer's own if it is good there, else one in metres for the place.

    Parameters
    ----------
    crs : CRS
        CRS of the communities.
    bounds : (min_x, min_y, max_x, max_y)
        Their box in it.

    Returns
    -------
    CRS
        `crs` when it is projected in metres and lengths are right to 1e-3; else the CGCS2000 3-degree
        Gauss-Kruger zone of the middle (EPSG:4534 to 4554) between 73.5 and 136.5 degrees east and 3 and
        54 north; else its UTM zone.
    """
    if is_metric(crs) and scale_error(crs, bounds) <= MAX_SCALE_ERROR:
        return crs
    middle_x, middle_y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    lon, lat = transformer(crs, WGS84).transform(middle_x, middle_y)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise CrsError(
            "coordinates_outside_crs",
            f"its coordinates have no place in {label(crs)}",
            mend="check --crs",
            crs=label(crs),
        )
    if _GK_LON_DEG[0] <= lon < _GK_LON_DEG[1] and _GK_LAT_DEG[0] <= lat <= _GK_LAT_DEG[1]:
        return CRS.from_epsg(gk_epsg(lon))
    zone = min(60, int((lon + 180.0) // 6.0) + 1)
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def gk_epsg(lon_deg: float) -> int:
    """Return the EPSG code of the CGCS2000 3-degree Gauss-Kruger zone (no zone prefix) of a longitude."""
    return _GK_FIRST_EPSG + (math.floor((lon_deg + 1.5) / 3.0) * 3 - _GK_FIRST_DEG) // 3


def looks(numbers: Numbers) -> Looks:
    """Say what coordinates without a CRS look like."""
    x, y = numbers.x, numbers.y
    if _within(numbers.bounds, (-180.0, -90.0, 180.0, 90.0)):
        return Looks(
            "swapped_degrees" if _looks_swapped(numbers) else "degrees", 4490 if in_china(x, y) else 4326
        )
    if _within(numbers.bounds, (-90.0, -180.0, 90.0, 180.0)):
        return Looks("swapped_degrees")
    zone = _zone_prefix(x)
    web_mercator = 8.0e6 <= x <= 1.53e7 and 1.7e6 <= y <= 7.4e6
    if web_mercator:
        return Looks("web_mercator", 3857)
    if zone is not None and _NORTHING_M[0] <= y <= _NORTHING_M[1]:
        return Looks("gk_zone", _zone_epsg(zone), zone)
    if abs(x - 5e5) <= _HALF_ZONE_M and _NORTHING_M[0] <= y <= _NORTHING_M[1]:
        return Looks("gk")
    return Looks("unknown")


def _zone_prefix(easting: float) -> int | None:
    """Zone before the easting of a Gauss-Kruger coordinate: 13 to 23 (6 degrees), 25 to 45 (3 degrees)."""
    zone = int(easting // 1e6)
    if (13 <= zone <= 23 or 25 <= zone <= 45) and abs(easting % 1e6 - 5e5) <= _HALF_ZONE_M:
        return zone
    return None


def _zone_epsg(zone: int) -> int:
    return 4513 + zone - 25 if zone >= 25 else 4491 + zone - 13


def _zone_meridian(zone: int) -> int:
    return 3 * zone if zone >= 25 else 6 * zone - 3


def _within(inner: Bounds, outer: Bounds) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def in_china(lon: float, lat: float) -> bool:
    """Whether a place in degrees lies in China, roughly."""
    return _CHINA[0] <= lon <= _CHINA[2] and _CHINA[1] <= lat <= _CHINA[3]


def axes_swapped(x: float, y: float) -> CrsError:
    """Return the error for degrees that stand in the wrong order."""
    x_told, y_told = f"{x:.6g}", f"{y:.6g}"
    return CrsError(
        "axes_swapped", f"its axes are swapped: ({x_told}, {y_told}) is latitude before longitude",
        mend="put longitude (x) first", x=x_told, y=y_told,
    )  # fmt: skip


def _looks_swapped(numbers: Numbers) -> bool:
    return not in_china(numbers.x, numbers.y) and in_china(numbers.y, numbers.x) and abs(numbers.y) > 66.0


def missing_crs(numbers: Numbers | None) -> CrsError:
    """Return the error for a layer without CRS; it says what its numbers look like and what to give."""
    if numbers is None:
        return CrsError(
            "crs_missing", "it declares no coordinate reference system", mend="give --crs EPSG:..."
        )
    x, y = f"{numbers.x:.6g}", f"{numbers.y:.6g}"
    if abs(numbers.x) > 180:
        x, y = f"{numbers.x:.0f}", f"{numbers.y:.0f}"
    look = looks(numbers)
    none = "it declares no coordinate reference system"
    if look.kind == "degrees":
        return CrsError(
            "crs_missing_degrees",
            f"{none}; its numbers ({x}, {y}) look like degrees",
            mend=f"give --crs EPSG:{look.epsg}",
            x=x,
            y=y,
            epsg=look.epsg or 4326,
        )
    if look.kind == "swapped_degrees":
        return CrsError(
            "crs_missing_swapped",
            f"{none}; its numbers ({x}, {y}) look like latitude before longitude",
            mend="put longitude first, then give --crs EPSG:4490",
            x=x,
            y=y,
        )
    if look.kind == "gk_zone":
        return CrsError(
            "crs_missing_gk_zone",
            f"{none}; its numbers ({x}, {y}) look like CGCS2000 Gauss-Kruger with zone number {look.zone}",
            mend=f"give --crs EPSG:{look.epsg}",
            x=x,
            y=y,
            zone=look.zone or 0,
            epsg=look.epsg or 0,
        )
    if look.kind == "gk":
        return CrsError(
            "crs_missing_gk",
            f"{none}; its numbers ({x}, {y}) look like CGCS2000 Gauss-Kruger without zone number",
            mend="give --crs for its central meridian: EPSG:4534 (75 E) to EPSG:4554 (135 E), 4549 is 120 E",
            x=x,
            y=y,
        )
    if look.kind == "web_mercator":
        return CrsError(
            "crs_missing_web_mercator",
            f"{none}; its numbers ({x}, {y}) look like Web Mercator",
            mend="give --crs EPSG:3857",
            x=x,
            y=y,
        )
    return CrsError(
        "crs_missing_unknown",
        f"{none}, and its numbers ({x}, {y}) are of no kind known here",
        mend="give --crs EPSG:...",
        x=x,
        y=y,
    )


def require_fitting_numbers(crs: CRS, numbers: Numbers) -> None:
    """Refuse coordinates that contradict the CRS they are declared in.

    Raises
    ------
    CrsError
        Degrees declared as metres or metres as degrees, swapped axes, an easting with a zone number in a
        CRS without one or the other way round, or no place on earth; each with what would mend it.
    """
    if crs.is_geographic:
        _require_degrees(crs, numbers)
    else:
        _require_projected(crs, numbers)


def _require_degrees(crs: CRS, numbers: Numbers) -> None:
    name = label(crs)
    if abs(numbers.x) <= 180 and abs(numbers.y) <= 90:
        if _looks_swapped(numbers):
            raise axes_swapped(numbers.x, numbers.y)
        return
    if abs(numbers.x) <= 90 and abs(numbers.y) <= 180:
        raise axes_swapped(numbers.x, numbers.y)
    x, y = f"{numbers.x:.0f}", f"{numbers.y:.0f}"
    raise CrsError(
        "metres_in_degrees",
        f"it declares {name} (degrees), but its numbers ({x}, {y}) are metres",
        mend="declare the projection it is in, for example --crs EPSG:" + str(looks(numbers).epsg or 4549),
        crs=name,
        x=x,
        y=y,
        epsg=looks(numbers).epsg or 4549,
    )


def _require_projected(crs: CRS, numbers: Numbers) -> None:
    name = label(crs)
    if _are_degrees(crs, numbers):
        x, y = f"{numbers.x:.6g}", f"{numbers.y:.6g}"
        raise CrsError(
            "degrees_in_metres",
            f"it declares {name} (metres), but its numbers ({x}, {y}) are degrees",
            mend="declare EPSG:4490 or EPSG:4326",
            crs=name,
            x=x,
            y=y,
        )
    x, y = f"{numbers.x:.0f}", f"{numbers.y:.0f}"
    origin = _transverse_mercator(crs)
    if origin is not None:
        false_easting, meridian = origin
        _require_easting(name, numbers, false_easting, meridian)
    lon, lat = transformer(crs, WGS84).transform(numbers.x, numbers.y)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise CrsError(
            "coordinates_outside_crs",
            f"its numbers ({x}, {y}) have no place in {name}",
            mend="check the coordinate reference system it declares",
            crs=name,
        )


def _require_easting(name: str, numbers: Numbers, false_easting: float, meridian: float) -> None:
    x, y = f"{numbers.x:.0f}", f"{numbers.y:.0f}"
    if abs(numbers.x - false_easting) <= 2 * _HALF_ZONE_M:
        return
    northing_first = _NORTHING_M[0] <= numbers.x <= _NORTHING_M[1]
    if northing_first and (abs(numbers.y - false_easting) <= _HALF_ZONE_M or _zone_prefix(numbers.y)):
        raise CrsError(
            "axes_swapped_metres",
            f"its axes are swapped: ({x}, {y}) is northing before easting",
            mend="put the easting first",
            x=x,
            y=y,
        )
    if not _NORTHING_M[0] <= numbers.y <= _NORTHING_M[1]:
        return
    zone = _zone_prefix(numbers.x)
    look = looks(numbers)
    if look.kind == "web_mercator" and (zone is None or _zone_meridian(zone) != meridian):
        raise CrsError(
            "web_mercator_in_metres",
            f"it declares {name}, but its numbers ({x}, {y}) are Web Mercator",
            mend="declare EPSG:3857",
            crs=name,
            x=x,
            y=y,
        )
    if zone is not None:
        raise CrsError(
            "easting_with_zone",
            f"it declares {name}, but its eastings ({x}) begin with zone {zone}",
            mend=f"declare EPSG:{_zone_epsg(zone)}",
            crs=name,
            x=x,
            zone=zone,
            epsg=_zone_epsg(zone),
        )
    if false_easting > 1e6 and abs(numbers.x - 5e5) <= _HALF_ZONE_M:
        epsg = gk_epsg(meridian)
        raise CrsError(
            "easting_without_zone",
            f"it declares {name}, but its eastings ({x}) lack the zone number",
            mend=f"declare EPSG:{epsg}",
            crs=name,
            x=x,
            epsg=epsg,
        )


def _are_degrees(crs: CRS, numbers: Numbers) -> bool:
    """Whether numbers under a projected CRS are degrees: they lie where it is used, or in China."""
    box = numbers.bounds
    if not _within(box, (-180.0, -90.0, 180.0, 90.0)) or max(box[2] - box[0], box[3] - box[1]) > _CITY_DEG:
        return False
    area = crs.area_of_use
    if area is not None and area.east - area.west < 90:
        used = area.west - 6 <= numbers.x <= area.east + 6 and area.south - 6 <= numbers.y <= area.north + 6
    else:
        used = False
    return used or in_china(numbers.x, numbers.y) or in_china(numbers.y, numbers.x)


def _transverse_mercator(crs: CRS) -> tuple[float, float] | None:
    """False easting in metres and central meridian in degrees, if the CRS is a transverse Mercator."""
    operation = crs.coordinate_operation
    if operation is None or "Transverse Mercator" not in operation.method_name or not is_metric(crs):
        return None
    values = {parameter.name: parameter.value for parameter in operation.params}
    if "False easting" not in values or "Longitude of natural origin" not in values:
        return None
    return float(values["False easting"]), float(values["Longitude of natural origin"])
