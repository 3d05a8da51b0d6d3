"""Zip archives as attackers make them: refused by what their directory says, before anything is unpacked."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from geo.errors import InputError
from geo.formats.raw import MAX_FILE_BYTES, one_line, reading

# Deflate cannot shrink real layers or spreadsheets more than about 50 times; small files may.
MAX_RATIO = 200
_RATIO_FREE_BYTES = 8 << 20
MAX_MEMBERS = 10_000


def open_archive(content: bytes, file: str) -> zipfile.ZipFile:
    """Open a zip archive of harmless members.

    Raises
    ------
    InputError
        It is broken, encrypted, packed with an unusual method, would unpack to more than can be held, or
        has members that are links or would be written outside the folder it is unpacked in.
    """
    with _unpacking(file):
        archive = zipfile.ZipFile(io.BytesIO(content))
    members = archive.infolist()
    for member in members:
        _require_harmless(member, file)
    total = sum(member.file_size for member in members)
    packed = max(1, len(content))
    if len(members) > MAX_MEMBERS or total > MAX_FILE_BYTES:
        raise _bomb(file, total)
    if total > _RATIO_FREE_BYTES and total > MAX_RATIO * packed:
        raise _bomb(file, total)
    return archive


def member_bytes(archive: zipfile.ZipFile, name: str, file: str) -> bytes:
    """Return the content of one member."""
    with _unpacking(file), archive.open(name) as member:
        return member.read()


@contextmanager
def _unpacking(file: str) -> Iterator[None]:
    """Tell of damage to an archive by an error of its own; what Python says of it is in English."""
    with reading(file):
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise InputError(
                "zip_broken",
                "the file is damaged or cut short",
                mend="copy or export it again",
                file=file,
            ) from error


def member_text(member: zipfile.ZipInfo) -> str:
    """Return the name of a member; names without the UTF-8 flag are UTF-8 or GB 18030 in practice."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _require_harmless(member: zipfile.ZipInfo, file: str) -> None:
    name = member.orig_filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name or "\\" in name:
        raise InputError(
            "zip_unsafe_name",
            f"the archive would write outside its folder ({one_line(name)})",
            mend="pack it again",
            file=file,
            member=one_line(name),
        )
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(
            "zip_link",
            f"a member of the archive is a link or device ({one_line(name)})",
            mend="pack the file itself",
            file=file,
            member=one_line(name),
        )
    if member.flag_bits & 0x1:
        raise InputError(
            "zip_encrypted", "the archive is encrypted", mend="pack it without a password", file=file
        )
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(
            "zip_method",
            "the archive is packed with an unusual method",
            mend="pack it as an ordinary zip",
            file=file,
        )


def _bomb(file: str, total: int) -> InputError:
    return InputError(
        "zip_bomb",
        f"the archive would unpack to {total >> 20} MiB, which no layer of this size does",
        mend="pack it again",
        file=file,
        size_mib=total >> 20,
    )
