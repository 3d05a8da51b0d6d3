"""Which characters a font has."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from maps.glyphs import code_points, unprintable


@dataclass
class Listed:
    path: str | None
    family: str = "Test"
    index: int = 0


def font(*subtables: tuple[int, int, bytes]) -> bytes:
    """A font that is nothing but its `cmap`."""
    records, body = b"", b""
    for platform, encoding, table in subtables:
        records += struct.pack(">HHI", platform, encoding, 4 + 8 * len(subtables) + len(body))
        body += table
    cmap = struct.pack(">HH", 0, len(subtables)) + records + body
    return (
        struct.pack(">4sHHHH", b"OTTO", 1, 0, 0, 0) + struct.pack(">4sIII", b"cmap", 0, 28, len(cmap)) + cmap
    )


def groups(*of: tuple[int, int, int]) -> bytes:
    return struct.pack(">HHIII", 12, 0, 16 + 12 * len(of), 0, len(of)) + b"".join(
        struct.pack(">III", *each) for each in of
    )


def segments() -> bytes:
    """A to C by a difference, D to F by a list in which E has no glyph, and the segment that ends a table."""
    ends, starts = (0x43, 0x46, 0xFFFF), (0x41, 0x44, 0xFFFF)
    # The second shift leads from its own place, over that of the last segment, to the list.
    words = [*ends, 0, *starts, -0x40 & 0xFFFF, 0, 1, 0, 4, 0, 7, 0, 8]
    return struct.pack(">7H", 4, 14 + 2 * len(words), 0, 6, 0, 0, 0) + struct.pack(f">{len(words)}H", *words)


def written(folder: Path, data: bytes) -> str:
    path = folder / f"{abs(hash(data))}.otf"
    path.write_bytes(data)
    return str(path)


def characters_of(data: bytes, folder: Path, index: int = 0) -> str:
    return "".join(chr(int(point)) for point in code_points(Path(written(folder, data)), index).nonzero()[0])


def test_both_forms_of_tables_are_read_and_the_wider_one_wins(tmp_path):
    assert characters_of(font((3, 1, segments())), tmp_path) == "ABCDF"
    assert characters_of(font((3, 1, segments()), (3, 10, groups((0x4E00, 0x4E02, 5)))), tmp_path) == "一丁丂"


def test_the_glyph_of_what_is_missing_is_none(tmp_path):
    assert characters_of(font((0, 4, groups((0x41, 0x43, 0)))), tmp_path) == "BC"


def test_a_font_of_a_collection_is_read_by_its_number(tmp_path):
    one = font((3, 10, groups((0x41, 0x41, 1))))
    other = font((3, 10, groups((0x42, 0x42, 1))))
    head = struct.pack(">4sIIII", b"ttcf", 0x10000, 2, 20, 20 + len(one))

    def moved(data: bytes, by: int) -> bytes:
        (offset,) = struct.unpack_from(">I", data, 20)
        return data[:20] + struct.pack(">I", offset + by) + data[24:]

    whole = head + moved(one, 20) + moved(other, 20 + len(one))
    assert [characters_of(whole, tmp_path, index) for index in (0, 1)] == ["A", "B"]


@pytest.mark.parametrize("data", [b"", b"no font", font((3, 10, groups((0x41, 0x43, 1))))[:50]])
def test_a_file_that_is_no_font_has_no_character(tmp_path, data):
    assert characters_of(data, tmp_path) == ""


def test_only_what_no_font_has_is_named_and_marks_that_are_not_seen_never_are(tmp_path):
    fonts = [
        Listed(None, "Embedded"),
        Listed(written(tmp_path, font((3, 10, groups((0x4E00, 0x4E00, 1))))), "Other"),
        Listed(written(tmp_path, font((3, 10, groups((0x41, 0x43, 1)))))),
    ]

    assert unprintable("AB一\u2cb5\U0002b5da \u200b\ufe0f", fonts, "Test") == ("\u2cb5", "\U0002b5da")
    assert unprintable("A", [], "Test") == ("A",)
