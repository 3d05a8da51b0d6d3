"""Shapefiles: the parts are gathered here and given to GDAL in memory, so that it can open nothing else."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.crs import crs_of_wkt
from geo.encoding import decoded, detect_encoding, known_encoding
from geo.errors import InputError
from geo.findings import Finding
from geo.formats.archive import member_bytes, member_text, open_archive
from geo.formats.raw import (
    RawTable,
    broken,
    broken_geometry,
    chosen_layer,
    placed,
    read_bytes,
    reading,
    shapes_from_wkb,
    text_array,
)

_PARTS = ("shp", "shx", "dbf", "prj", "cpg")
_MAGIC = b"\x00\x00\x27\x0a"

_HEADER_END = 0x0D
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")

# The DBF language driver of simplified Chinese (GBK).
_LDID_GBK = 0x4D


def read_shapefile(path: Path) -> tuple[RawTable, str]:
    """Read a shapefile beside its parts; return it and the SHA-256 over its parts."""
    parts: dict[str, bytes] = {}
    for part in _PARTS:
        found = path if part == "shp" else _sibling(path, part)
        if found is None:
            continue
        if found.is_symlink():
            raise InputError(
                "file_is_link",
                f"{found.name} is a link",
                mend="put the file itself there",
                file=path.name,
                part=found.name,
            )
        parts[part] = read_bytes(found)
    digest = hashlib.sha256()
    for content in parts.values():
        digest.update(content)
    return _table(parts, path.name, None), digest.hexdigest()


def _sibling(path: Path, part: str) -> Path | None:
    for suffix in (part, part.upper(), part.capitalize()):
        candidate = path.with_suffix("." + suffix)
        if candidate.is_symlink() or candidate.exists():
            return candidate
    return None


def read_zipped_shapefile(content: bytes, file: str, layer: str | None) -> RawTable:
    """Read the shapefile in a zip archive; `layer` is its name where there are several."""
    with open_archive(content, file) as archive:
        found: dict[str, dict[str, str]] = {}
        for member in archive.infolist():
            name = PurePosixPath(member_text(member))
            part = name.suffix[1:].lower()
            hidden = name.name.startswith("._") or "__MACOSX" in name.parts
            if part in _PARTS and not hidden and not member.is_dir():
                found.setdefault(str(name.with_suffix("")), {})[part] = member.filename
        layers = {PurePosixPath(stem).name: parts for stem, parts in found.items() if "shp" in parts}
        if not layers:
            raise InputError(
                "zip_without_shapefile",
                "the archive holds no shapefile",
                mend="pack .shp, .shx, .dbf and .prj",
                file=file,
            )
        chosen = chosen_layer(file, layer, sorted(layers))
        parts = {part: member_bytes(archive, name, file) for part, name in layers[chosen].items()}
    return _table(parts, file, chosen)


def _table(parts: Mapping[str, bytes], file: str, layer: str | None) -> RawTable:
    import pyogrio.raw  # slow to load, large, and wanted for shapefiles alone

    _require_whole(parts, file, layer)
    crs = None
    if parts.get("prj", b"").strip(b"\0 \r\n\t"):
        with placed(file, layer):
            crs = crs_of_wkt(parts["prj"].decode("utf-8", errors="replace").lstrip("\ufeff"))
    text_table, types = _as_text(parts["dbf"])
    with reading(file, layer), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL tells of ring directions and the like
        # Latin-1 carries every byte through GDAL unchanged; what it means is decided here.
        meta, _, wkb, columns = pyogrio.raw.read(
            _packed({**parts, "dbf": text_table}), encoding="ISO-8859-1", datetime_as_string=True
        )
    raw_names = [str(name).encode("latin-1") for name in meta["fields"]]
    texts = [_bytes_of(column) for column in columns]
    declared = known_encoding(parts.get("cpg", b"").decode("ascii", errors="ignore"))
    hint = declared or ("gb18030" if parts["dbf"][29] == _LDID_GBK else None)
    samples = {value for column in texts if column is not None for value in column if value is not None}
    encoding = detect_encoding([*raw_names, *sorted(samples)], hint)
    if encoding is None:
        raise _unreadable(raw_names, texts, file, layer)
    findings: tuple[Finding, ...] = ()
    if declared is not None and declared != encoding and any(not value.isascii() for value in samples):
        findings = (
            Finding(
                "encoding_differs",
                "warning",
                values={"file": file, "declared": declared.upper(), "used": encoding.upper()},
            ),
        )
    names = decoded(raw_names, encoding) or []
    if len(types) != len(names):
        raise broken(file, "the .dbf part does not have the columns it says", layer=layer)
    values = [
        column if text is None else _typed(_texts_of(text, encoding), kind)
        for column, text, kind in zip(columns, texts, types, strict=True)
    ]
    return RawTable(
        file,
        layer,
        tuple(names),
        tuple(values),
        shapes_from_wkb(list(wkb), file, layer),
        crs,
        short_names=True,
        findings=findings,
    )


def _require_whole(parts: Mapping[str, bytes], file: str, layer: str | None) -> None:
    """Refuse a shapefile whose parts are missing, cut, or not of one another."""
    for part in ("shp", "shx", "dbf"):
        if part not in parts:
            raise InputError(
                "shapefile_part_missing",
                f"the .{part} file beside it is missing",
                mend="copy all parts of the shapefile",
                file=file,
                layer=layer,
                part=part,
            )
    shp, shx, dbf = parts["shp"], parts["shx"], parts["dbf"]
    if not shp.startswith(_MAGIC) or not shx.startswith(_MAGIC):
        raise broken(file, "the .shp or .shx part has no shapefile header", layer=layer)
    if len(dbf) < 33:
        raise broken(file, "the .dbf part has no header", layer=layer)
    n_rows = int.from_bytes(dbf[4:8], "little")
    dbf_bytes = int.from_bytes(dbf[8:10], "little") + n_rows * int.from_bytes(dbf[10:12], "little")
    cut = [
        part
        for part, stated, actual in (
            ("shp", max(100, 2 * int.from_bytes(shp[24:28], "big")), len(shp)),
            ("shx", max(100, 2 * int.from_bytes(shx[24:28], "big")), len(shx)),
            ("dbf", dbf_bytes, len(dbf) + 1),
        )
        if stated > actual
    ]
    if cut:
        raise InputError(
            "file_truncated",
            f"the .{cut[0]} part is cut short",
            mend="copy the file again",
            file=file,
            layer=layer,
            part=cut[0],
        )
    n_shapes = (len(shx) - 100) // 8
    if n_shapes != n_rows:
        raise InputError(
            "shapefile_parts_differ",
            f"its parts do not belong together: {n_shapes} shapes, {n_rows} rows",
            mend="copy all parts of the shapefile again",
            file=file,
            layer=layer,
            shapes=n_shapes,
            rows=n_rows,
        )
    _require_index(shp, shx, file, layer)


def _require_index(shp: bytes, shx: bytes, file: str, layer: str | None) -> None:
    """Refuse an index that points beyond the shapes; GDAL would take such shapes for missing."""
    index = 2 * np.frombuffer(shx, dtype=">i4", offset=100, count=(len(shx) - 100) // 8 * 2).reshape(
        -1, 2
    ).astype(np.int64)
    beyond = (index[:, 0] < 100) | (index[:, 1] < 0) | (index.sum(axis=1) + 8 > len(shp))
    if beyond.any():
        raise broken_geometry(
            file, layer, int(np.flatnonzero(beyond)[0]) + 1, "lies beyond the end of the file"
        )


def _packed(parts: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for part in ("shp", "shx", "dbf"):
            archive.writestr(f"layer.{part}", parts[part])
    return packed.getvalue()


def _as_text(dbf: bytes) -> tuple[bytes, str]:
    """Return the table with its numbers, dates and truth values declared as text, and the types they had.

    GDAL reads a number with rubbish in it as 0 and only warns; as text it is checked like any other.
    """
    table, types = bytearray(dbf), ""
    for at in range(32, min(int.from_bytes(dbf[8:10], "little"), len(dbf)) - 31, 32):
        if table[at] == _HEADER_END:
            break
        types += chr(table[at + 11])
        if types[-1] in "NFDL":
            table[at + 11], table[at + 17] = ord("C"), 0
    return bytes(table), types


def _typed(values: NDArray[np.object_], kind: str) -> NDArray[Any]:
    """Return texts of a numeric column as numbers if all of them are; others as they are."""
    if kind == "D":
        return text_array([text and _DATE.sub(r"\1-\2-\3", text) for text in values])
    if kind not in "NF":
        return values
    # Asterisks fill a number that did not fit into its column.
    texts = [None if text is None or not text.strip("* ") else text.strip() for text in values]
    if not all(text is None or _NUMBER.fullmatch(text) for text in texts):
        return text_array(texts)
    numbers = [None if text is None else int(text) if text.isdigit() else float(text) for text in texts]
    if None in numbers or any(abs(number) >= 1 << 62 for number in numbers if number is not None):
        return text_array(numbers)
    return np.array(numbers)


def _bytes_of(column: NDArray[Any]) -> list[bytes | None] | None:
    """Return the raw bytes of a text column, None for a column of numbers."""
    if column.dtype != object:
        return None
    return [None if value is None else str(value).encode("latin-1", errors="replace") for value in column]


def _texts_of(column: list[bytes | None], encoding: str) -> NDArray[np.object_]:
    texts = decoded([value or b"" for value in column], encoding) or []
    return text_array([None if value is None else text for value, text in zip(column, texts, strict=True)])


def _unreadable(
    names: list[bytes], texts: list[list[bytes | None] | None], file: str, layer: str | None
) -> InputError:
    field, feature = None, None
    for name, column in zip(names, texts, strict=True):
        for row, value in enumerate(column or ()):
            if value and not value.isascii() and detect_encoding([value], None) is None:
                field, feature = name.decode("ascii", errors="replace"), f"#{row + 1}"
                break
        if field is not None:
            break
    return InputError(
        "encoding_unreadable",
        "its text is neither UTF-8 nor GB 18030",
        mend="export it in UTF-8, or put the right name into the .cpg file",
        file=file,
        layer=layer,
        field=field,
        feature=feature,
    )
