"""Write a file so that it is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

from geo.errors import InputError


def ensure_writable(path: Path) -> None:
    """Raise InputError where a file cannot be written: no such folder, a folder of that name, no right.

    An empty file is made beside it and taken away: what the rights say does not hold for every file system.
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(
            "folder_missing",
            "the folder does not exist",
            mend="make it, or choose another",
            file=str(path),
        )
    try:
        if path.is_dir():
            raise IsADirectoryError
        with NamedTemporaryFile(dir=folder, prefix=f".{path.stem[:20]}-"):
            pass
    except OSError as error:
        raise InputError(
            "output_not_writable", "cannot be written", mend="choose another name or folder", file=path.name
        ) from error


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Refuse an output that the system would not write in full, such as on a full disk.

    Raises
    ------
    InputError
        Something in the block raised OSError, or an error of the library that writes layers.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not isinstance(error, OSError) and not _is_of_layer_writer(error):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            "output_not_written",
            f"could not be written ({reason})",
            mend="make room, or choose another folder",
            file=path.name,
            reason=reason,
        ) from error


def _is_of_layer_writer(error: RuntimeError) -> bool:
    from pyogrio.errors import DataLayerError, DataSourceError  # slow to load, and seldom wanted

    return isinstance(error, DataLayerError | DataSourceError)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes its place when the block ends well, else it goes.

    Raises
    ------
    InputError
        The folder does not exist or cannot be written, or the disk is full.
    """
    ensure_writable(path)
    path = path.resolve()
    temporary = path.parent / f".{path.stem}-{uuid4().hex[:8]}{path.suffix}"
    try:
        with written(path):
            yield temporary
            os.replace(temporary, path)
    finally:
        for leftover in path.parent.glob(f"{temporary.name}*"):  # also a database's journal
            leftover.unlink(missing_ok=True)
