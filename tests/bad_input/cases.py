"""The table of bad inputs: each case builds its files in a folder and returns the arguments of `weige`."""

from __future__ import annotations

import json
import sqlite3
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import shapely

# About 119.6 E, 32.0 N: Danyang.
X0, Y0 = 462_000.0, 3_542_000.0
LON0, LAT0 = 119.6, 32.0
CRS = "EPSG:4549"

Arguments = list[str]
Build = Callable[[Path], Arguments]


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes
    ----------
    family, name : str
    build : callable
        Makes the files in a folder and returns the arguments.
    code : str
        Code of the error whose sentence must be said.
    says : tuple of str
        What the line must name besides: file, layer, field, feature.
    """

    family: str
    name: str
    build: Build
    code: str
    says: tuple[str, ...]


CASES: list[Case] = []


def bad(family: str, code: str, *says: str, name: str | None = None) -> Callable[[Build], Build]:
    """Register a case; its name is the function's."""

    def register(build: Build) -> Build:
        add(family, name or build.__name__, build, code, *says)
        return build

    return register


def add(family: str, name: str, build: Build, code: str, *says: str) -> None:
    assert all(case.name != name or case.family != family for case in CASES), name
    CASES.append(Case(family, name, build, code, says))


# Good layers, and ways to spoil them.


def good_units(n: int = 6) -> gpd.GeoDataFrame:
    """Units of 20 households in a row, all within the first community."""
    return gpd.GeoDataFrame(
        {"unit_id": [f"U{i + 1}" for i in range(n)], "households": [20] * n},
        geometry=[shapely.Point(X0 + 20 + 25 * i, Y0 + 50) for i in range(n)],
        crs=CRS,
    )


def good_communities() -> gpd.GeoDataFrame:
    """Two squares of 200 m that share an edge."""
    return gpd.GeoDataFrame(
        {"community_id": ["320981001001", "320981001002"], "name": ["东门社区", "西门社区"]},
        geometry=[shapely.box(X0, Y0, X0 + 200, Y0 + 200), shapely.box(X0 + 200, Y0, X0 + 400, Y0 + 200)],
        crs=CRS,
    )


def lines() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"road_class": ["primary"]},
        geometry=[shapely.LineString([(X0, Y0 + 100), (X0 + 400, Y0 + 100)])],
        crs=CRS,
    )


@cache
def _content(frame: Callable[[], gpd.GeoDataFrame]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "layer.gpkg"
        frame().to_file(path, layer="layer")
        return path.read_bytes()


def _ready(folder: Path, name: str, frame: Callable[[], gpd.GeoDataFrame]) -> str:
    (folder / name).write_bytes(_content(frame))
    return name


def plan(folder: Path, *more: str, units: str | None = None, communities: str | None = None) -> Arguments:
    """Arguments of `weige plan` with good layers where none is given."""
    return [
        "plan",
        "--units",
        units or _ready(folder, "good_units.gpkg", good_units),
        "--communities",
        communities or _ready(folder, "good_communities.gpkg", good_communities),
        "-o",
        "plan.gpkg",
        *more,
    ]


def check(folder: Path, grids: str, *more: str) -> Arguments:
    units = _ready(folder, "good_units.gpkg", good_units)
    return ["check", "--units", units, "--grids", grids, "-o", "findings.xlsx", *more]


def map_(folder: Path, *more: str) -> Arguments:
    """Arguments of `weige map` with a plan that was made before the cases (`PLAN` is replaced)."""
    return ["map", "PLAN", "-o", "map.html", *more]


def write(folder: Path, name: str, content: bytes | str) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def gpkg(folder: Path, frame: gpd.GeoDataFrame, name: str = "units.gpkg", **options: Any) -> str:
    frame.to_file(folder / name, **options)
    return name


def shp(folder: Path, frame: gpd.GeoDataFrame, name: str = "units.shp", encoding: str = "UTF-8") -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no CRS
        frame.rename(columns={"community_id": "comm_id"}).to_file(folder / name, encoding=encoding)
    return name


def parts(folder: Path, stem: str = "units") -> dict[str, bytes]:
    return {path.suffix[1:]: path.read_bytes() for path in sorted(folder.glob(f"{stem}.*"))}


def parquet(folder: Path, frame: gpd.GeoDataFrame, name: str = "units.parquet") -> str:
    frame.to_parquet(folder / name)
    return name


def geojson_features(n: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "properties": {"unit_id": f"U{i + 1}", "households": 20},
            "geometry": {"type": "Point", "coordinates": [LON0 + i * 1e-4, LAT0]},
        }
        for i in range(n)
    ]


def geojson(folder: Path, features: Sequence[Any], name: str = "units.geojson", **more: Any) -> str:
    document = {"type": "FeatureCollection", "features": list(features), **more}
    return write(folder, name, json.dumps(document, ensure_ascii=False))


def csv(folder: Path, text: str, name: str = "units.csv", encoding: str = "utf-8") -> str:
    return write(folder, name, text.encode(encoding))


def csv_units(folder: Path, *rows: str, header: str = "unit_id,households,lon,lat") -> str:
    return csv(folder, "\n".join([header, *rows]) + "\n")


def xlsx(folder: Path, rows: Sequence[Sequence[Any]], name: str = "units.xlsx", **sheets: Any) -> str:
    book = openpyxl.Workbook()
    book.active.title = "Sheet1"
    for row in rows:
        book.active.append(list(row))
    for title, content in sheets.items():
        sheet = book.create_sheet(title)
        for row in content:
            sheet.append(list(row))
    book.save(folder / name)
    return name


XLSX_HEAD = ("unit_id", "households", "lon", "lat")


def kml(folder: Path, body: str, name: str = "units.kml", prolog: str = '<?xml version="1.0"?>') -> str:
    return write(
        folder, name, f'{prolog}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>'
    )


def placemark(geometry: str, unit: str = "U1", households: str = "20") -> str:
    return (
        f'<Placemark><ExtendedData><Data name="unit_id"><value>{unit}</value></Data>'
        f'<Data name="households"><value>{households}</value></Data></ExtendedData>{geometry}</Placemark>'
    )


def zipped(folder: Path, members: dict[str, bytes], name: str = "units.zip", **options: Any) -> str:
    with zipfile.ZipFile(folder / name, "w", **options) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return name


def sql(folder: Path, name: str, *statements: str) -> str:
    """Run statements on a GeoPackage, without the triggers that need spatial functions."""
    database = sqlite3.connect(folder / name)
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    database.execute("PRAGMA writable_schema=ON")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return name


def with_column(column: str, values: Sequence[Any]) -> gpd.GeoDataFrame:
    frame = good_units(len(values))
    frame[column] = pd.Series(values, dtype=object) if any(value is None for value in values) else values
    return frame


def with_geometry(shapes: Sequence[Any], crs: str | None = CRS) -> gpd.GeoDataFrame:
    frame = good_units(len(shapes))
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=list(shapes), crs=crs)


def grids_frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"grid_id": ["G1", "G2"]}, geometry=list(good_communities().geometry), crs=CRS)
