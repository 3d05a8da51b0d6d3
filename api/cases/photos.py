"""Photos of cases: drawn anew without what cameras write into them, kept in the data folder by content."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from PIL import Image, ImageOps, UnidentifiedImageError

from api.errors import NotValidError, TooLargeError
from api.jobs import private_folder

FOLDER = "photos"
MAX_BYTES = 8 << 20
# A phone of 50 megapixels; a JPEG is read at a fraction of it, other kinds whole.
MAX_PIXELS = 50_000_000
MAX_WHOLE_PIXELS = 25_000_000
# Enough to read a house number on; and for a list.
LONGEST_PX, SMALL_PX = 2048, 480
QUALITY = 85
_KINDS = ("JPEG", "PNG", "WEBP")
# One picture at a time a worker: the largest takes 100 MB.
_drawing = threading.Semaphore(1)


@dataclass(frozen=True)
class Photo:
    """A picture as it is kept: JPEG without metadata, upright.

    Attributes
    ----------
    full, small : bytes
        At most 2048 and 480 pixels along the longer side.
    width, height : int
        Of the full one, in pixels.
    sha256 : bytes
        Of the full one.
    """

    full: bytes
    small: bytes
    width: int
    height: int
    sha256: bytes


def drawn_anew(sent: bytes) -> Photo:
    """Return a photo as it is kept: its pixels, and nothing that says who took it, where or with what.

    Raises
    ------
    TooLargeError
        More than 8 MiB or 50 megapixels.
    NotValidError
        No JPEG, PNG or WebP, or broken.
    """
    if len(sent) > MAX_BYTES:
        raise TooLargeError("photo_too_large", "a photo has at most 8 MiB", limit_bytes=MAX_BYTES)
    with _drawing:
        try:
            with Image.open(io.BytesIO(sent), formats=_KINDS) as image:
                pixels = image.width * image.height
                if pixels > (MAX_PIXELS if image.format == "JPEG" else MAX_WHOLE_PIXELS):
                    raise TooLargeError("photo_too_large", "a photo has at most 50 megapixels, a PNG 25")
                image.draft("RGB", (LONGEST_PX, LONGEST_PX))
                image.thumbnail((LONGEST_PX, LONGEST_PX))
                upright = _on_white(ImageOps.exif_transpose(image))
        except (
            UnidentifiedImageError,
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
        ) as error:
            raise NotValidError("photo_not_read", "this is no JPEG, PNG or WebP, or it is broken") from error
        full = _encoded(upright)
        size = upright.size
        upright.thumbnail((SMALL_PX, SMALL_PX))
        small = _encoded(upright)
    return Photo(full, small, *size, hashlib.sha256(full).digest())


def _on_white(image: Image.Image) -> Image.Image:
    """Return the bare pixels as RGB; what is transparent becomes white."""
    if image.mode in ("RGBA", "LA", "P", "PA"):
        solid = image.convert("RGBA")
        ground = Image.new("RGB", solid.size, "white")
        ground.paste(solid, mask=solid.getchannel("A"))
        return ground
    plain = image.convert("RGB")
    bare = Image.new("RGB", plain.size)
    bare.paste(plain)
    return bare


def _encoded(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()


def photo_path(data_dir: Path, sha256: str, *, small: bool = False) -> Path:
    """Return where a photo lies."""
    return data_dir / FOLDER / sha256[:2] / f"{sha256}{'.small' if small else ''}.jpg"


def keep_files(data_dir: Path, photo: Photo) -> None:
    """Put a photo in its place, whole or not at all; the same content lies there once."""
    private_folder(data_dir, FOLDER)
    for content, small in ((photo.small, True), (photo.full, False)):
        place = photo_path(data_dir, photo.sha256.hex(), small=small)
        if place.exists():
            continue
        place.parent.mkdir(exist_ok=True)
        # A name with a dot is in no backup.
        half = place.with_name(f".{uuid4().hex}")
        with half.open("xb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        half.replace(place)


def remove_files(data_dir: Path, sha256: str) -> None:
    """Take the files of a photo away that no case has any more."""
    for small in (True, False):
        photo_path(data_dir, sha256, small=small).unlink(missing_ok=True)
