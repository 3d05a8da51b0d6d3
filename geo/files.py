"""Write a file so that it is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from geo.errors import InputError


def ensure_writable(path: Path) -> None:
    """Raise InputError where a file cannot be written: no such folder, a folder of that name, no right."""
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(
            "folder_missing",
            "the folder does not exist",
            mend="make it, or choose another",
            file=str(path),
        )
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(
            "output_not_writable", "cannot be written", mend="choose another name or folder", file=path.name
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes its place when the block ends well, else it goes.

    Raises
    ------
    InputError
        The folder does not exist or cannot be written.
    """
    ensure_writable(path)
    path = path.resolve()
    temporary = path.parent / f".{path.stem}-{uuid4().hex[:8]}{path.suffix}"
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        for leftover in path.parent.glob(f"{temporary.name}*"):  # also a database's journal
            leftover.unlink(missing_ok=True)
