"""Which encoding a table's text is in: what it says, checked against its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import BinaryIO

# Encodings a .cpg file or an XML head may name, by their common spellings without punctuation. Anything
# else is ignored: Python also knows codecs that are not encodings (zlib, rot13).
_KNOWN = {
    "utf8": "utf-8",
    "65001": "utf-8",
    "gbk": "gb18030",
    "936": "gb18030",
    "cp936": "gb18030",
    "ms936": "gb18030",
    "gb2312": "gb18030",
    "euccn": "gb18030",
    "gb18030": "gb18030",
    "54936": "gb18030",
    "big5": "big5",
    "950": "big5",
    "cp950": "big5",
    "iso88591": "cp1252",
    "88591": "cp1252",
    "latin1": "cp1252",
    "1252": "cp1252",
    "cp1252": "cp1252",
    "ansi1252": "cp1252",
    "windows1252": "cp1252",
}

# Share of characters outside ASCII that must be everyday Chinese (GB 2312) before bytes that are not UTF-8
# count as GBK: Western letters followed by ASCII also decode as GBK, but to rare characters.
_EVERYDAY_SHARE = 0.5
# What a file is told by at first, and how much of it is read at a time.
_HEAD_BYTES, _BLOCK_BYTES = 4096, 1 << 20


def known_encoding(name: str) -> str | None:
    """Return the codec a file's own name for its encoding means, None if it is none we know."""
    return _KNOWN.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def detect_encoding(values: Iterable[bytes], declared: str | None) -> str | None:
    """Return the encoding that reads every value, None when none does.

    Parameters
    ----------
    values : iterable of bytes
        Texts in one unknown encoding; each may end in the middle of a character, as fixed-width fields do.
    declared : str or None
        Codec the file claims. Bytes that are UTF-8 of three and more bytes a character, or that are
        everyday Chinese in GB 18030, win over it: a .cpg file is often left over from another program.
    """
    foreign = [value for value in values if not value.isascii()]
    if not foreign:
        return declared or "utf-8"
    as_utf8 = decoded(foreign, "utf-8")
    if as_utf8 is not None and (
        declared in (None, "utf-8") or any(ord(sign) >= 0x800 for text in as_utf8 for sign in text)
    ):
        return "utf-8"
    as_chinese = decoded(foreign, "gb18030")
    if as_chinese is not None and (declared == "gb18030" or _is_everyday_chinese("".join(as_chinese))):
        return "gb18030"
    if declared not in (None, "utf-8", "gb18030") and decoded(foreign, declared) is not None:
        return declared
    return None


def decoded(values: Iterable[bytes], encoding: str) -> list[str] | None:
    """Return the values as text, without a last character that was cut; None if one cannot be read."""
    decoder = codecs.getincrementaldecoder(encoding)
    texts = []
    try:
        for value in values:
            texts.append(value.decode("ascii") if value.isascii() else decoder().decode(value))
    except UnicodeDecodeError:
        return None
    return texts


def decode_file(content: bytes) -> str | None:
    """Return the text of a whole file in UTF-8, UTF-16, UTF-32 or GB 18030, None if it is in none."""
    encoding = _of_head(content[:_HEAD_BYTES])
    if encoding is not None:
        return _strictly(content, encoding)
    text = _strictly(content, "utf-8")
    if text is None:
        text = _strictly(content, "gb18030")
        if text is not None and not _is_everyday_chinese(text):
            return None
    return text


def encoding_of_file(handle: BinaryIO) -> str | None:
    """Return the encoding in which `decode_file` would read a file, in memory that does not grow with it.

    None if it is in none of them. The file is read from where it stands to its end.
    """
    start = handle.tell()
    encoding = _of_head(handle.read(_HEAD_BYTES))
    for one in ("utf-8", "gb18030") if encoding is None else (encoding,):
        handle.seek(start)
        decoder = codecs.getincrementaldecoder(one)()
        foreign = everyday = 0
        try:
            while block := handle.read(_BLOCK_BYTES):
                text = decoder.decode(block)
                if one == "gb18030":
                    counts = _everyday_of(text)
                    foreign, everyday = foreign + counts[0], everyday + counts[1]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return one if everyday >= _EVERYDAY_SHARE * foreign else None
    return None


def _of_head(head: bytes) -> str | None:
    """Return the encoding that a file begins as; None where only its letters can tell."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding
    if head[1::2].count(0) > len(head) // 5:
        return "utf-16-le"
    if head[::2].count(0) > len(head) // 5:
        return "utf-16-be"
    return None


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_everyday_chinese(text: str) -> bool:
    foreign, everyday = _everyday_of(text)
    return everyday >= _EVERYDAY_SHARE * foreign


def _everyday_of(text: str) -> tuple[int, int]:
    """Return how many characters are outside ASCII, and how many of these are everyday Chinese."""
    foreign = "".join(sign for sign in text if ord(sign) > 0x7F)
    return len(foreign), len(foreign.encode("gb2312", errors="ignore")) // 2
