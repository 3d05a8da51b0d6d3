"""Which characters a font file has, from its `cmap` table (OpenType 1.9: formats 4 and 12)."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_CODE_POINTS = 0x110000
# (platform, encoding) of the tables that name Unicode, the widest first.
_UNICODE = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0))
# Nothing is printed of these: controls and format marks, spaces.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


class Font(Protocol):
    """A font as the typesetter lists it."""

    path: str | None
    index: int
    family: str


def unprintable(characters: Iterable[str], fonts: Sequence[Font], family: str) -> tuple[str, ...]:
    """Return the characters that no font has, in the order of their code points.

    Parameters
    ----------
    characters : iterable of str
        Single characters.
    fonts : sequence of Font
        All that a typesetter may fall back on; those without a file of their own are left aside.
    family : str
        The family that is asked first.
    """
    left = {each for each in characters if not _is_unseen(each)}
    for font in sorted(fonts, key=lambda font: font.family != family):
        if not left:
            break
        if font.path is not None:
            known = code_points(Path(font.path), font.index)
            left = {each for each in left if not known[ord(each)]}
    return tuple(sorted(left))


@cache
def code_points(font: Path, index: int = 0) -> NDArray[np.bool_]:
    """Tell of each code point whether a font has a glyph for it; of a file that is no font: none."""
    known = np.zeros(_CODE_POINTS, dtype=np.bool_)
    try:
        _mark(font.read_bytes(), index, known)
    except (OSError, struct.error, ValueError, IndexError):
        # Nothing can be printed in a font that cannot be read: the next one is asked.
        known[:] = False
    return known


def _is_unseen(character: str) -> bool:
    point = ord(character)
    is_variant = 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF
    return is_variant or unicodedata.category(character) in _UNSEEN


def _mark(data: bytes, index: int, known: NDArray[np.bool_]) -> None:
    start = struct.unpack_from(f">{index + 1}I", data, 12)[index] if data[:4] == b"ttcf" else 0
    (n_tables,) = struct.unpack_from(">H", data, start + 4)
    tables = (struct.unpack_from(">4sIII", data, start + 12 + 16 * table) for table in range(n_tables))
    cmap = next((offset for tag, _, offset, _ in tables if tag == b"cmap"), None)
    if cmap is None:
        return
    (n_subtables,) = struct.unpack_from(">H", data, cmap + 2)
    found: dict[tuple[int, int], int] = {}
    for subtable in range(n_subtables):
        platform, encoding, offset = struct.unpack_from(">HHI", data, cmap + 4 + 8 * subtable)
        found[platform, encoding] = cmap + offset
    for kind in _UNICODE:
        if kind in found:
            (form,) = struct.unpack_from(">H", data, found[kind])
            if form in _FORMATS:
                _FORMATS[form](data, found[kind], known)
                return


def _mark_segments(data: bytes, at: int, known: NDArray[np.bool_]) -> None:
    """Format 4: segments of the basic plane, by a difference or by a list of glyphs."""
    (double,) = struct.unpack_from(">H", data, at + 6)
    n = double // 2
    words = np.frombuffer(data, ">u2", offset=at + 14, count=4 * n + 1).astype(np.int64)
    ends, starts, deltas, ranges = (
        words[:n],
        words[n + 1 : 2 * n + 1],
        words[2 * n + 1 : 3 * n + 1],
        words[3 * n + 1 :],
    )
    for segment, (first, last, delta, shift) in enumerate(zip(starts, ends, deltas, ranges, strict=True)):
        points = np.arange(first, last + 1)
        glyphs = points
        if shift:
            # Counted from where the shift itself stands.
            place = at + 16 + 2 * (3 * n + segment) + int(shift)
            glyphs = np.frombuffer(data, ">u2", offset=place, count=len(points)).astype(np.int64)
        has_glyph = (glyphs != 0 if shift else True) & ((glyphs + delta) % 0x10000 != 0)
        known[points[has_glyph]] = True
    known[0xFFFF] = False


def _mark_groups(data: bytes, at: int, known: NDArray[np.bool_]) -> None:
    """Format 12: groups of any plane."""
    (n,) = struct.unpack_from(">I", data, at + 12)
    for first, last, glyph in np.frombuffer(data, ">u4", offset=at + 16, count=3 * n).reshape(-1, 3).tolist():
        # Glyph 0 is the box that stands for what is missing.
        known[first + (glyph == 0) : last + 1] = True


_FORMATS = {4: _mark_segments, 12: _mark_groups}
