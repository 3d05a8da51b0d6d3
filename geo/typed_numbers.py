"""Telephone and identity numbers as people type them: in groups, in Chinese numerals, with invisible signs.

`geo.personal_numbers` has the forms that numbers stand in anywhere. Those here are looked for in what people
write to others, and not among codes and ids: some offices write these in such groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from geo.personal_numbers import (
    NumberFound,
    is_birth_date,
    is_identity_number,
    masked_at,
    numbers_among,
    plain_signs,
)

# The digits as words, as they are read out and as sums are written. With tens and hundreds it is a count.
_NUMERALS = {
    ord(sign): str(digit)
    for digit, signs in enumerate(
        ("零〇○", "一幺壹", "二贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for sign in signs
}
_WORDS = "".join(map(chr, _NUMERALS))
_WORD = re.compile(f"[{_WORDS}]")
# Signs that nobody sees: controls, joiners, marks of direction, variants and the frame of a keycap.
UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20e3\ufe00-\ufe0f\ufeff"
)
_INVISIBLE = re.compile(f"[{UNSEEN}]")
# Seven digits stand in every number, with nothing between them but what may part them.
_BETWEEN = (
    " \t\u00a0\u2000-\u200a\u202f\u205f\u3000\\-\uff0d\u2010-\u2015\u2212\ufe58\ufe63"
    f".\uff0e\u00b7\u2022\u30fb_/{UNSEEN}"
)
DIGITS_TOGETHER = f"[0-9\uff10-\uff19{_WORDS}](?:[{_BETWEEN}]*[0-9\uff10-\uff19{_WORDS}]){{6,}}"
_TOGETHER = re.compile(DIGITS_TOGETHER)
# Before them may stand an area code in brackets, and what tells that none begins there; behind them an X.
_BEFORE, _BEHIND = 24, 8
# What is cut out to be looked at ends at none of these: half a number looks like another.
_PART_OF_NUMBER = re.compile(f"[0-9A-Za-z\uff10-\uff19*()\uff08\uff09+{_BETWEEN}{_WORDS}]")
# Not within a code: SX-1381 234 5678. What was masked before it counts as its digits do.
_APART = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z*][-./_])"
# The same sign parts all groups of a number. Groups of other lengths than these are sums, sizes or codes.
_SIGN = r"(?: {1,3}| ?-{1,2} ?)"
_GROUPED = re.compile(
    rf"{_APART}(?:1[3-9]\d(?P<a>{_SIGN}|[._/])\d{{4}}(?P=a)\d{{4}}"
    rf"|1[3-9]\d(?P<b>{_SIGN}|\.)(?:\d\d(?P=b)\d\d(?P=b)\d\d(?P=b)\d\d|\d{{4}}(?P=b)\d\d(?P=b)\d\d"
    rf"|\d\d(?P=b)\d\d(?P=b)\d{{4}})"
    r"|1[3-9]\d {1,3}(?:\d{3} {1,3}\d{5}|\d{5} {1,3}\d{3})"
    rf"|1(?P<c>{_SIGN}|[._/])[3-9](?:(?P=c)\d){{9}}"
    # A landline of groups: none begins with 0 or 1. These are three times of a day: 0830 2030 2130.
    rf"|\(?0(?:10|2\d|[3-9]\d\d)\)?{_SIGN}?(?!2[0-3][0-5]\d{_SIGN}[0-2]\d[0-5]\d)"
    rf"[2-9]\d{{2,3}}{_SIGN}\d{{4}})(?!\d)",
    re.ASCII,
)
# An identity number in groups of any length: its date and its check character tell it from others.
_IDENTITY = re.compile(r"(?<!\d)(?=((?:\d[ .-]{0,3}){17}[0-9Xx])(?!\d))", re.ASCII)
# In words alone it needs no bounds: 周一一三八... is a day and a number, and nothing else has eleven of them.
_SPELLED = re.compile(f"[一幺壹][三四五六七八九叁肆伍陆柒捌玖][{_WORDS}]{{9}}")


def numbers_as_typed(text: str, *, mistyped: bool = False) -> Iterator[NumberFound]:
    """Yield the telephone and identity numbers in a text, by kind and place; they may overlap.

    Parameters
    ----------
    text : str
    mistyped : bool
        Also identity numbers whose check character does not fit, as in `numbers_in`.
    """
    if _TOGETHER.search(text) is None:
        return
    visible, places = without_invisible(text)
    for run in _TOGETHER.finditer(visible):
        first, end = max(0, run.start() - _BEFORE), min(len(visible), run.end() + _BEHIND)
        while first and _PART_OF_NUMBER.match(visible[first - 1]):
            first -= 1
        while end < len(visible) and _PART_OF_NUMBER.match(visible[end]):
            end += 1
        for found in numbers_shown(plain_signs(visible[first:end]), mistyped=mistyped):
            yield NumberFound(found.kind, places[first + found.start], places[first + found.end - 1] + 1)


def without_invisible(text: str) -> tuple[str, Sequence[int]]:
    """Return what of a text is seen, and where in the text each sign of it stands."""
    if _INVISIBLE.search(text) is None:
        return text, range(len(text))
    places = [at for at, sign in enumerate(text) if _INVISIBLE.match(sign) is None]
    return "".join(text[at] for at in places), places


def masked_as_typed(text: str) -> str:
    """Return a text with telephone and identity numbers, however they are typed, replaced by asterisks."""
    return masked_at(text, ((found.start, found.end) for found in numbers_as_typed(text)))


def numbers_shown(plain: str, *, mistyped: bool = False) -> Iterator[NumberFound]:
    """Yield what `numbers_as_typed` yields, of a text of plain signs that are all seen."""
    yield from _in_digits(plain, mistyped)
    if _WORD.search(plain) is not None:
        yield from _in_digits(plain.translate(_NUMERALS), mistyped)
        for found in _SPELLED.finditer(plain):
            yield NumberFound("phone", *found.span())


def _in_digits(plain: str, mistyped: bool) -> Iterator[NumberFound]:
    yield from numbers_among(plain, mistyped=mistyped)
    for found in _GROUPED.finditer(plain):
        yield NumberFound("phone", *found.span())
    for found in _IDENTITY.finditer(plain):
        digits = re.sub("[ .-]", "", found[1]).upper()
        if is_birth_date(digits[6:14]) and is_identity_number(digits):
            yield NumberFound("identity", *found.span(1))
