"""Answers in the two formats of GeoReport v2: XML, and JSON after the Spark convention."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from xml.etree import ElementTree

from fastapi import Response

Format: TypeAlias = Literal["xml", "json"]
FORMATS: tuple[Format, ...] = ("xml", "json")
MEDIA_TYPES: Mapping[Format, str] = {"xml": "text/xml", "json": "application/json"}
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
# What XML 1.0 cannot hold; people paste anything.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# By the name of a list, that of its elements; their lists in turn are found by the same table.
_ELEMENTS: Mapping[str, str] = {
    "services": "service", "service_requests": "request", "errors": "error", "attributes": "attribute",
    "values": "value", "endpoints": "endpoint", "formats": "format",
}  # fmt: skip


def moment(at: datetime | None) -> str | None:
    """Return a moment in the W3 format with its zone."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(root: str, said: Sequence[Any] | Mapping[str, Any], form: Format, status: int = 200) -> Response:
    """Return an answer; `root` is at the top of XML, and in JSON left out (Spark convention)."""
    if form == "json":
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    else:
        top = ElementTree.Element(root)
        _fill(top, root, said)
        body = b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(top, encoding="utf-8")
    return Response(body, status, media_type=f"{MEDIA_TYPES[form]}; charset=utf-8")


def refusal(status: int, description: str, form: Format, code: str | int | None = None) -> Response:
    """Return what was wrong, as the specification has errors."""
    told = {"code": status if code is None else code, "description": description}
    return answer("errors", [told], form, status)


def _fill(element: ElementTree.Element, name: str, said: Any) -> None:
    if isinstance(said, Mapping):
        for key, value in said.items():
            _fill(ElementTree.SubElement(element, key), key, value)
    elif isinstance(said, list | tuple):
        for value in said:
            _fill(ElementTree.SubElement(element, _ELEMENTS[name]), _ELEMENTS[name], value)
    elif isinstance(said, bool):
        element.text = "true" if said else "false"
    elif said is not None:
        element.text = _NO_XML.sub("", str(said))
