"""Telephone and identity numbers within texts, as cases and layers both look for them: found and masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

NumberKind: TypeAlias = Literal["identity", "phone"]

MASK = "***"
# Numbers (of mainland China) are looked for among plain signs; these stand for them, one for one.
_PLAIN = (
    {0xFF10 + digit: str(digit) for digit in range(10)}
    | {0xFF38: "X", 0xFF58: "x", 0xFF0B: "+", 0xFF08: "(", 0xFF09: ")"}
    | dict.fromkeys((0xFF0D, *range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
    | dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
    | dict.fromkeys((0xFF0E, 0xB7, 0x2022, 0x30FB), ".")
)
_GAP = "[ -]?"
# Resident identity number (GB 11643-1999): region, birth date, serial and check character, maybe apart.
_IDENTITY = re.compile(r"(?<!\d)(\d{6})[ .-]?(\d{8})[ .-]?(\d{3}[0-9Xx])(?!\d)", re.ASCII)
_BIRTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
# The code of the country may stand right before a mobile number. Dots stand in both gaps of one, or it is a
# fraction: 135.12345678 is a longitude.
_MOBILE = (
    r"(?:(?<!\d)|(?<=\+86)|(?<=0086)|(?<!\d86)(?<=86))1[3-9]\d"
    rf"(?:{_GAP}\d{{4}}{_GAP}|\.\d{{4}}\.)\d{{4}}(?!\d)"
)
# No area code begins with 00: that is a serial number, or the way out of a country.
_LANDLINE = r"(?<!\d)\(?0[1-9]\d{1,2}\)?[ .-]?\d{7,8}(?!\d)"
_PHONE = re.compile(f"{_MOBILE}|{_LANDLINE}", re.ASCII)
# Whole texts that are full of digits and name nobody: a decimal fraction, and a UUID.
_NUMBER = re.compile(r"[+-]?[0-9]+\.[0-9]*[1-9][0-9]*(?:[eE][+-]?[0-9]+)?")
_UUID = re.compile(r"\{?[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}\}?", re.IGNORECASE)

# GB 11643-1999: weights of the 17 digits and the check characters by the remainder of 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


@dataclass(frozen=True)
class NumberFound:
    """Where in a text a number of a person stands."""

    kind: NumberKind
    start: int
    end: int


def plain_signs(text: str) -> str:
    """Return a text of the same length with full-width signs, odd blanks and dashes as plain ones."""
    if text.isascii() and "\t" not in text:
        return text
    return text.translate(_PLAIN)


def numbers_in(text: str, *, mistyped: bool = False) -> Iterator[NumberFound]:
    """Return the telephone and identity numbers in a text, by kind and place; they may overlap.

    Parameters
    ----------
    text : str
    mistyped : bool
        Also identity numbers whose check character does not fit, by their birth date: in what people type
        a mistyped number still tells who. In layers it is mostly a serial number (region, day and count).
    """
    return numbers_among(plain_signs(text), mistyped=mistyped)


def numbers_among(plain: str, *, mistyped: bool = False) -> Iterator[NumberFound]:
    """Yield what `numbers_in` yields, of a text whose signs are plain already."""
    for found in _IDENTITY.finditer(plain):
        if is_identity_number("".join(found.groups()).upper()) or (mistyped and is_birth_date(found[2])):
            yield NumberFound("identity", *found.span())
    for found in _PHONE.finditer(plain):
        yield NumberFound("phone", *found.span())


def is_personal(text: str) -> bool:
    """Whether a text as a whole is a telephone number or a valid identity number."""
    plain = plain_signs(text.strip())
    identity = _IDENTITY.fullmatch(plain)
    if identity is not None and is_identity_number("".join(identity.groups()).upper()):
        return True
    return _PHONE.fullmatch(plain) is not None


def holds_number(text: str) -> bool:
    """Whether a text holds a telephone or identity number anywhere, though not within fractions and UUIDs."""
    if len(text) < 8 or _NUMBER.fullmatch(text) or _UUID.fullmatch(text):
        return False
    return next(numbers_in(text), None) is not None


def masked(text: str) -> str:
    """Return a text with telephone and identity numbers replaced by asterisks."""
    return masked_at(text, ((found.start, found.end) for found in numbers_in(text)))


def masked_at(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with asterisks in place of spans (start, end); those that overlap are one."""
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [text[at:start], MASK]
        at = max(at, end)
    return "".join(parts) + text[at:]


def is_birth_date(digits: str) -> bool:
    """Whether eight digits are a day of the last century or this one, as identity numbers have them."""
    return _BIRTH.fullmatch(digits) is not None


def is_identity_number(digits: str) -> bool:
    """Whether 18 characters are a resident identity number by its check character (GB 11643-1999)."""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", digits):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
    return _CHECKS[total % 11] == digits[17]
