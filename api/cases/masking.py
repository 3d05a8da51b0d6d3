"""What of a person must not stand in a case: identity numbers, telephone numbers, numbers of flats.

Numbers are those of `geo.typed_numbers`, with mistyped ones. `tells_a_person` in SQL stands behind it and
finds fewer: what is stored must stay valid, or a backup of it could not be brought back. Names are not looked
for: no rule finds them without taking streets and shops for people. Forms say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from api.errors import NotValidError
from geo.personal_numbers import is_personal, masked_at, plain_signs
from geo.typed_numbers import DIGITS_TOGETHER, UNSEEN, numbers_as_typed, without_invisible

Kind: TypeAlias = Literal["identity", "phone", "flat"]

_NUMERAL = "[0-9〇零一二两三四五六七八九十百]"
# The number of a flat, by the word after it or the stairwell before it; a building may be named.
_FLAT = re.compile(
    rf"(?<![0-9A-Za-z])(?:[A-Za-z]?{_NUMERAL}{{1,5}})(?=[ ]?(?:室(?![内外])|号房(?![屋产东])|房间))"
    rf"|(?<=[栋幢座楼])[ ]?{_NUMERAL}{{3,4}}(?=[ ]?户)"
    rf"|(?<=单元)[ ]?(?:{_NUMERAL}{{3,4}})(?!{_NUMERAL}|[ ]?(?:室|号))"
    r"|(?<=\d-\d-)\d{3,4}(?![\d-])|(?<=\d-\d\d-)\d{3,4}(?![\d-])"
)


# A serial number of a region and a day since 2010 has the form of an identity number of a child.
_SERIAL = re.compile(r"[0-9]{6}20[1-9][0-9]")
_DASH = "[-－‐-―−﹘﹣]"
# One of these stands in every flat. A digit is of any script, the dashes are those that `plain_signs` makes
# plain, and a sign that nobody sees may stand within.
_OF_FLAT = rf"室|号房|房间|户|单元|\d{_DASH}\d\d?{_DASH}\d{{3}}|[{UNSEEN}]"
_FLAT_SIGN = re.compile(_OF_FLAT)
# A text without a sign of a flat or of a number, as most are, is looked at no further.
_SIGN = re.compile(f"{_OF_FLAT}|{DIGITS_TOGETHER}")


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
    found: list[Hit] = []
    for hit in sorted(_all(text), key=lambda hit: (hit.start, -hit.end)):
        if not found or hit.start >= found[-1].end:
            found.append(hit)
        elif hit.end > found[-1].end:
            found[-1] = replace(found[-1], end=hit.end)
    return tuple(found)


def masked(text: str) -> str:
    """Return a text with what is personal replaced by asterisks."""
    spans = [(hit.start, hit.end) for hit in _all(text)]
    return masked_at(text, spans) if spans else text


def is_somebodys(number: str) -> bool:
    """Whether the number of a work order is a telephone or identity number of a person."""
    return is_personal(number) and not _SERIAL.match(number)


def require_own_number(number: str | None) -> None:
    """Refuse a telephone or identity number in place of the number of a work order.

    Raises
    ------
    NotValidError
    """
    if number is not None and is_somebodys(number):
        raise NotValidError(
            "personal_number",
            "external_number is a telephone or identity number; give the order's own",
            field="external_number",
        )


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


def _all(text: str) -> Iterator[Hit]:
    if _SIGN.search(text) is None:
        return
    for number in numbers_as_typed(text, mistyped=True):
        yield Hit(number.kind, number.start, number.end)
    if _FLAT_SIGN.search(text) is not None:
        visible, places = without_invisible(text)
        for flat in _FLAT.finditer(plain_signs(visible)):
            yield Hit("flat", places[flat.start()], places[flat.end() - 1] + 1)
