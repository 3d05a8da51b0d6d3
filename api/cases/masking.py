"""What of a person must not stand in a case: identity numbers, telephone numbers, numbers of flats.

Names are not looked for: no rule finds them without taking streets and shops for people. Forms say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from api.errors import NotValidError
from geo.personal_numbers import MASK, is_identity_number

Kind: TypeAlias = Literal["identity", "phone", "flat"]

_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {
    0xFF38: "X", 0xFF58: "x", 0xFF0D: "-", 0xFF0B: "+", 0x3000: " ", 0xFF08: "(", 0xFF09: ")",
}  # fmt: skip
_GAP = "[ \u00a0.-]?"
# Resident identity number (GB 11643-1999): region, birth date, serial and check character, maybe apart.
_IDENTITY = re.compile(rf"(?<!\d)(\d{{6}}){_GAP}(\d{{8}}){_GAP}(\d{{3}}[0-9Xx])(?!\d)", re.ASCII)
# Also where the check character does not fit: a mistyped number still tells who. As tells_a_person in SQL.
_BIRTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_MOBILE = rf"(?:(?<!\d)|(?<=\+86)|(?<!\d86)(?<=86))1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)"
_LANDLINE = rf"(?<!\d)\(?0\d{{2,3}}\)?{_GAP}\d{{7,8}}(?!\d)"
_PHONE = re.compile(f"{_MOBILE}|{_LANDLINE}", re.ASCII)
_NUMERAL = "[0-9〇零一二两三四五六七八九十百]"
# The number of a flat, by the word after it or the stairwell before it; a building may be named.
_FLAT = re.compile(
    rf"(?<![0-9A-Za-z])(?:[A-Za-z]?{_NUMERAL}{{1,5}})(?=[ ]?(?:室(?![内外])|号房(?![屋产东])|房间))"
    rf"|(?<=[栋幢座楼])[ ]?{_NUMERAL}{{3,4}}(?=[ ]?户)"
    rf"|(?<=单元)[ ]?(?:{_NUMERAL}{{3,4}})(?!{_NUMERAL}|[ ]?(?:室|号))"
    r"|(?<=\d-\d-)\d{3,4}(?![\d-])|(?<=\d-\d\d-)\d{3,4}(?![\d-])"
)


@dataclass(frozen=True)
class Hit:
    """Where in a text something personal stands."""

    kind: Kind
    start: int
    end: int


def find(text: str) -> tuple[Hit, ...]:
    """Return what is personal in a text, in order and without overlap.

    A telephone number within an identity number is one hit, of the kind that begins first.
    """
    plain = text.translate(_FULL_WIDTH)
    found: list[Hit] = []
    for hit in sorted(_all(plain), key=lambda hit: (hit.start, -hit.end)):
        if not found or hit.start >= found[-1].end:
            found.append(hit)
    return tuple(found)


def masked(text: str) -> str:
    """Return a text with what is personal replaced by asterisks."""
    parts, at = [], 0
    for hit in find(text):
        parts += [text[at : hit.start], MASK]
        at = hit.end
    return "".join(parts) + text[at:]


def require_impersonal(text: str, field: str) -> None:
    """Refuse a text in which something personal stands.

    Raises
    ------
    NotValidError
        `values` names the field and the kinds that were found, never what was found.
    """
    kinds = sorted({hit.kind for hit in find(text)})
    if kinds:
        raise NotValidError(
            "personal_text",
            f"{field} holds what identifies a person ({', '.join(kinds)}); take it out",
            field=field, kinds=kinds,
        )  # fmt: skip


def _all(plain: str) -> Iterator[Hit]:
    for found in _IDENTITY.finditer(plain):
        if is_identity_number("".join(found.groups()).upper()) or _BIRTH.fullmatch(found[2]):
            yield Hit("identity", *found.span())
    for found in _PHONE.finditer(plain):
        yield Hit("phone", *found.span())
    for found in _FLAT.finditer(plain):
        yield Hit("flat", *found.span())
