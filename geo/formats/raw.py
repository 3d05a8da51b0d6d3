"""What every format is read into: columns as given, geometry, and the CRS the file declares."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo.errors import InputError
from geo.findings import Finding
from geo.names import listed, shortened

# Files that are read whole; a city of a million households in footprints is a tenth of it.
MAX_FILE_BYTES = 1 << 30

# Titles and notes above the column names of a table are within so many rows.
HEAD_ROWS = 10

# GEOS follows nested collections by recursion; a level takes at least 9 bytes, so shorter geometries can
# never exhaust the stack.
_SAFE_WKB_BYTES = 1 << 16
_MAX_NESTING = 32

# Types of well-known binaries that shapely does not read (ISO 13249-3).
_UNUSUAL_KINDS = {
    8: "CircularString",
    9: "CompoundCurve",
    10: "CurvePolygon",
    11: "MultiCurve",
    12: "MultiSurface",
    13: "Curve",
    14: "Surface",
    15: "PolyhedralSurface",
    16: "TIN",
    17: "Triangle",
}


@dataclass(frozen=True)
class RawTable:
    """A layer as it stands in its file.

    Attributes
    ----------
    file : str
        Name of the file without folder.
    layer : str or None
        Name of the layer where the file can hold several.
    names : tuple of str
        Column names as given, possibly repeated.
    values : tuple of arrays
        One for each name, n long: object (str or None) or numbers.
    geometry : (n,) object or None
        Shapes, None where there is none; None as a whole for a plain table.
    crs : CRS or None
        What the file declares, or its format prescribes.
    numbering : int
        Number of the first row as people count it (a table has its header in row 1).
    short_names : bool
        Column names are cut to ten bytes, as in a DBF file.
    row_number : str or None
        A column that only counts the rows, and is used only where it is asked for.
    findings : tuple of Finding
        What was noticed while reading.
    head : tuple of (int, tuple of str)
        Of a workbook, the first rows that are not blank, that of the column names among them: their numbers
        and cells.
    """

    file: str
    layer: str | None
    names: tuple[str, ...]
    values: tuple[NDArray[Any], ...]
    geometry: NDArray[np.object_] | None
    crs: CRS | None
    numbering: int = 1
    short_names: bool = False
    row_number: str | None = None
    findings: tuple[Finding, ...] = field(default=())
    head: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        if self.geometry is not None:
            return len(self.geometry)
        return len(self.values[0]) if self.values else 0


def open_regular(path: Path) -> BufferedReader:
    """Open an ordinary file for reading: no folder, pipe, socket or device.

    Raises
    ------
    InputError
        It is missing, may not be read, or is something else than a file.
    """
    name = path.name or str(path)
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
            code = "is_folder" if stat.S_ISDIR(mode) else "is_device"
            raise InputError(code, f"this is {what}, not a file", mend="name a file", file=name)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        handle = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "file_not_found", "there is no such file", mend="check the path", file=name
        ) from error
    except OSError as error:
        raise unreadable_file(path, error) from error
    if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        handle.close()
        raise InputError(
            "is_device", "this is a device, pipe or socket, not a file", mend="name a file", file=name
        )
    return handle


def unreadable_file(path: Path, error: OSError) -> InputError:
    """Return the error for a file that the system does not open."""
    reason = error.strerror or type(error).__name__
    return InputError(
        "file_not_readable",
        f"the file cannot be opened ({reason})",
        mend="check the path",
        file=shortened(path.name),
        reason=reason,
    )


def read_bytes(path: Path) -> bytes:
    """Return the content of an ordinary file of moderate size."""
    with open_regular(path) as handle:
        size = os.fstat(handle.fileno()).st_size
        require_moderate_size(size, path.name)
        content = handle.read()
    if not content:
        raise InputError("file_empty", "the file is empty", mend="export it again", file=path.name)
    return content


def require_moderate_size(n_bytes: int, file: str) -> None:
    """Refuse what could not be held in memory."""
    if n_bytes > MAX_FILE_BYTES:
        raise InputError(
            "too_large",
            f"it is too large to read ({n_bytes >> 20} MiB, at most {MAX_FILE_BYTES >> 20})",
            mend="split it by district",
            file=file,
            size_mib=n_bytes >> 20,
            limit_mib=MAX_FILE_BYTES >> 20,
        )


@contextmanager
def reading(file: str, layer: str | None = None) -> Iterator[None]:
    """Turn whatever a library raises on a file's content into an error that names the file and the reason."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            "memory_exhausted",
            "it does not fit in memory",
            mend="split it by district",
            file=file,
            layer=layer,
        ) from error
    except Exception as error:  # libraries for formats raise what they like on broken content
        reason = one_line(str(error) or type(error).__name__)
        raise broken(file, reason, layer=layer) from error


@contextmanager
def placed(file: str, layer: str | None = None) -> Iterator[None]:
    """Add the file and layer to an error that does not know its place."""
    try:
        yield
    except InputError as error:
        error.file = error.file or file
        error.layer = error.layer or layer
        raise


def broken(file: str, reason: str, *, layer: str | None = None) -> InputError:
    """Return the error for a file whose content cannot be read, with the reason in English."""
    return InputError(
        "container_broken",
        f"the file is broken or not what its name says ({reason})",
        mend="export it again",
        file=file,
        layer=layer,
        reason=reason,
    )


def one_line(text: str) -> str:
    """Return a text as one short line without control characters."""
    return shortened(" ".join("".join(sign if sign.isprintable() else " " for sign in text).split()))


def text_array(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return values as a flat object array, also when they are sequences."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


class LayerChoiceError(InputError):
    """A file holds several layers and none was named; `layers` are their names."""

    layers: tuple[str, ...] = ()


def several_layers(file: str, names: Sequence[str], *, likely: Sequence[str] = ()) -> LayerChoiceError:
    """Return the error for a file with several layers of which none was named.

    Parameters
    ----------
    file : str
    names : sequence of str
        The layers it holds.
    likely : sequence of str
        What the layer may be called; the first there is serves as the example.
    """
    shown = listed([one_line(name) for name in names])
    by_key = {name.casefold(): name for name in reversed(names)}
    meant = next((by_key[name] for name in likely if name in by_key), names[0])
    example = f"{file}:{one_line(meant)}"
    error = LayerChoiceError(
        "several_layers",
        f"the file holds {len(names)} layers ({shown})",
        mend=f"name one: {example}",
        file=file,
        n=len(names),
        names=shown,
        example=example,
    )
    error.layers = tuple(names)
    return error


def no_such_layer(file: str, layer: str, names: Sequence[str]) -> InputError:
    """Return the error for a layer that a file does not hold."""
    shown = listed([one_line(name) for name in names])
    return InputError(
        "layer_not_found",
        f"the file has no such layer; it has {shown}",
        mend="name one of them",
        file=file,
        layer=layer,
        names=shown,
    )


def chosen_layer(file: str, layer: str | None, names: Sequence[str]) -> str:
    """Return the layer asked for, or the only one."""
    if layer is not None:
        if layer not in names:
            raise no_such_layer(file, layer, names)
        return layer
    if not names:
        raise InputError("no_layer", "the file holds no layer", mend="export it again", file=file)
    if len(names) > 1:
        raise several_layers(file, names)
    return names[0]


def shapes_from_wkb(
    values: Sequence[bytes | None], file: str, layer: str | None, *, rows_before: int = 0
) -> NDArray[np.object_]:
    """Return the shapes of well-known binaries, None for None.

    With `rows_before`, the values are those of the rows after so many of the layer.

    Raises
    ------
    InputError
        One of them cannot be read; it is named by its row.
    """
    for row, value in enumerate(values):
        if value is not None and len(value) > _SAFE_WKB_BYTES and not _is_shallow(value):
            raise broken_geometry(file, layer, rows_before + row + 1, "nested too deeply")
    heads = {value[:5] for value in values if value is not None}
    strange = {head: name for head in heads if (name := _unusual_kind(head)) is not None}
    if strange:
        row = next(at for at, value in enumerate(values) if value is not None and value[:5] in strange)
        found = strange[(values[row] or b"")[:5]]
        raise InputError(
            "geometry_type",
            f"a {found} cannot be used here",
            mend="export it as points, lines or polygons",
            file=file,
            layer=layer,
            feature=f"#{rows_before + row + 1}",
            found=found,
        )
    array = text_array(values)
    shapes: NDArray[np.object_] = shapely.from_wkb(array, on_invalid="ignore")
    unread = (shapes == None) & (array != None)  # noqa: E711
    if unread.any():
        row = int(np.flatnonzero(unread)[0])
        raise broken_geometry(file, layer, rows_before + row + 1, "cannot be read")
    return shapes


def _unusual_kind(head: bytes) -> str | None:
    """Name of the geometry type at the head of a well-known binary, if it is curved or a surface."""
    if len(head) < 5 or head[0] > 1:
        return None
    kind = (int.from_bytes(head[1:], "little" if head[0] else "big") & 0xFFFF) % 1000
    return _UNUSUAL_KINDS.get(kind)


def broken_geometry(file: str, layer: str | None, row: int, reason: str) -> InputError:
    """Return the error for a geometry whose encoding is broken."""
    return InputError(
        "geometry_broken",
        f"its geometry {reason}",
        mend="repair or remove the feature",
        file=file,
        layer=layer,
        feature=f"#{row}",
        reason=reason,
    )


def _is_shallow(wkb: bytes) -> bool:
    """Whether collections in a well-known binary are nested at most 32 deep; broken ones count as shallow."""
    at, open_collections = 0, []
    while at + 9 <= len(wkb):
        order = "little" if wkb[at] else "big"
        kind = int.from_bytes(wkb[at + 1 : at + 5], order)  # type: ignore[arg-type]
        at += 5
        has_z = (
            bool(kind & 0x80000000)
            + bool(kind & 0x40000000)
            + (1, 2, 2, 3)[min(3, (kind & 0xFFFF) // 1000)]
            - 1
        )
        if kind & 0x20000000:
            at += 4
        size = 8 * (2 + min(2, has_z))
        base = (kind & 0xFFFF) % 1000
        if base == 1:
            at += size
        else:
            count = int.from_bytes(wkb[at : at + 4], order)  # type: ignore[arg-type]
            at += 4
            if base == 2:
                at += count * size
            elif base == 3:
                for _ in range(count):
                    if at + 4 > len(wkb):
                        return True
                    at += 4 + size * int.from_bytes(wkb[at : at + 4], order)  # type: ignore[arg-type]
            else:
                open_collections.append(count + 1)
        while open_collections:
            open_collections[-1] -= 1
            if open_collections[-1] > 0:
                break
            open_collections.pop()
        if len(open_collections) > _MAX_NESTING:
            return False
        if not open_collections:
            break
    return True
