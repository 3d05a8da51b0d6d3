"""Telephone and identity numbers within texts: found, told by their check character, and masked."""

from __future__ import annotations

import re

# Telephone and identity numbers in mainland China; full-width digits count as digits.
_DIGIT = "[0-9\uff10-\uff19]"
# The code of the country may stand right before a mobile number.
_BEFORE = rf"(?:(?<!{_DIGIT})|(?<=[+\uff0b]86)|(?<=0086)|(?<!{_DIGIT}86)(?<=86))"
_MOBILE = rf"{_BEFORE}[1\uff11][3-9\uff13-\uff19]{_DIGIT}[ -]?{_DIGIT}{{4}}[ -]?{_DIGIT}{{4}}(?!{_DIGIT})"
_LANDLINE = rf"(?<!{_DIGIT})[(\uff08]?[0\uff10]{_DIGIT}{{2,3}}[)\uff09]?[ -]?{_DIGIT}{{7,8}}(?!{_DIGIT})"
_IDENTITY = rf"(?<!{_DIGIT}){_DIGIT}{{17}}[0-9\uff10-\uff19Xx](?!{_DIGIT})"
PERSONAL = re.compile(f"(?:{_IDENTITY})|(?:{_MOBILE})|(?:{_LANDLINE})")
MASK = "***"
# Whole texts that are full of digits and name nobody: a decimal fraction, and a UUID.
_NUMBER = re.compile(r"[+-]?[0-9]+\.[0-9]*[1-9][0-9]*(?:[eE][+-]?[0-9]+)?")
_UUID = re.compile(r"\{?[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}\}?", re.IGNORECASE)

# GB 11643-1999: weights of the 17 digits and the check characters by the remainder of 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def is_personal(text: str) -> bool:
    """Whether a text as a whole is a telephone number or a valid identity number."""
    found = PERSONAL.fullmatch(text.strip())
    return found is not None and _is_plausible(found[0])


def holds_number(text: str) -> bool:
    """Whether a text holds a telephone or identity number anywhere, though not within fractions and UUIDs."""
    if len(text) < 8 or _NUMBER.fullmatch(text) or _UUID.fullmatch(text):
        return False
    return any(_is_plausible(found[0]) for found in PERSONAL.finditer(text))


def masked(text: str) -> str:
    """Return a text with telephone and identity numbers replaced by asterisks."""
    return PERSONAL.sub(lambda found: MASK if _is_plausible(found[0]) else found[0], text)


def _is_plausible(number: str) -> bool:
    digits = re.sub(r"[^0-9Xx]", "", "".join(_ascii_digit(sign) for sign in number)).upper()
    # No area code begins with 00: that is a serial number, or the way out of a country.
    if len(digits) <= 12 and digits.startswith("00"):
        return False
    return len(digits) != 18 or is_identity_number(digits)


def _ascii_digit(sign: str) -> str:
    return chr(ord(sign) - 0xFEE0) if "\uff10" <= sign <= "\uff19" else sign


def is_identity_number(digits: str) -> bool:
    """Whether 18 characters are a resident identity number by its check character (GB 11643-1999)."""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", digits):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
    return _CHECKS[total % 11] == digits[17]
