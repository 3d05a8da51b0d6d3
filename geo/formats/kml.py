"""KML, parsed here without following a link, a style or an entity."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # expat limits entities, and a document type is refused below
from typing import Any

import numpy as np
import shapely

from geo.crs import WGS84
from geo.errors import InputError
from geo.formats.raw import RawTable, broken, broken_geometry, chosen_layer, reading, text_array

_SHAPES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry")
_MAX_NESTING = 32


class _NoDocumentType(ET.TreeBuilder):
    """Builds the tree of a document that defines no entities."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it declares a document type, which KML has none of")


def read_kml(content: bytes, file: str, layer: str | None) -> RawTable:
    """Read the placemarks of a KML file; `layer` is the name of one folder."""
    with reading(file):
        parser = ET.XMLParser(target=_NoDocumentType())
        parser.feed(content)
        root = parser.close()
    if _tag(root) != "kml":
        raise broken(file, f"XML, but not KML ({_tag(root)})")
    if any(_tag(element) == "NetworkLink" for element in root.iter()):
        raise InputError(
            "refers_elsewhere",
            "it refers to another file or address, which is not opened",
            mend="export the placemarks themselves",
            file=file,
        )
    if layer is not None:
        folders = {
            _child_text(folder, "name"): folder
            for folder in root.iter()
            if _tag(folder) in ("Folder", "Document")
        }
        root = folders[chosen_layer(file, layer, [name for name in folders if name])]
    places = [element for element in root.iter() if _tag(element) == "Placemark"]
    rows = [_properties(place) for place in places]
    names = list(dict.fromkeys(name for row in rows for name in row))
    shapes = []
    for row, place in enumerate(places, start=1):
        found = [_shape(element, file, row, 0) for element in place if _tag(element) in _SHAPES]
        shapes.append(None if not found else found[0])
    return RawTable(
        file,
        layer,
        tuple(names),
        tuple(text_array([row.get(name) for row in rows]) for name in names),
        text_array(shapes),
        WGS84,
    )


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child_text(element: ET.Element, tag: str) -> str | None:
    for child in element:
        if _tag(child) == tag:
            return (child.text or "").strip() or None
    return None


def _properties(place: ET.Element) -> dict[str, str | None]:
    properties: dict[str, str | None] = {}
    for element in place.iter():
        if _tag(element) == "SimpleData":
            properties[element.get("name", "")] = element.text
        elif _tag(element) == "Data":
            properties[element.get("name", "")] = _child_text(element, "value")
    for tag in ("name", "description"):
        if (text := _child_text(place, tag)) is not None:
            properties.setdefault(tag, text)
    return properties


def _shape(element: ET.Element, file: str, row: int, depth: int) -> Any:
    tag = _tag(element)
    try:
        if tag == "Point":
            return shapely.Point(_coordinates(element)[0])
        if tag in ("LineString", "LinearRing"):
            return shapely.LineString(_coordinates(element))
        if tag == "Polygon":
            rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}  # type: dict[str, list[Any]]
            for boundary in element:
                for ring in boundary:
                    if _tag(boundary) in rings and _tag(ring) == "LinearRing":
                        rings[_tag(boundary)].append(_coordinates(ring))
            return shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"])
    except (ValueError, IndexError, shapely.GEOSException) as error:
        raise broken_geometry(file, None, row, "cannot be read") from error
    if depth > _MAX_NESTING:
        raise broken_geometry(file, None, row, "is nested too deeply")
    parts = [_shape(child, file, row, depth + 1) for child in element if _tag(child) in _SHAPES]
    kinds = {part.geom_type for part in parts}
    if kinds == {"Polygon"}:
        return shapely.MultiPolygon(parts)
    if kinds == {"LineString"}:
        return shapely.MultiLineString(parts)
    return shapely.GeometryCollection(parts)


def _coordinates(element: ET.Element) -> Any:
    text = (_child_text(element, "coordinates") or "").split()
    return np.array([[float(number) for number in place.split(",")[:2]] for place in text], dtype=np.float64)
