"""Contacts: how to call back whoever reported, sealed with a key that stands in no database and no backup."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api.errors import NotValidError
from geo.errors import InputError

KEY_BYTES = 32
_NONCE_BYTES = 12
# Mobile and landline numbers of mainland China; what stands between their digits is left out.
_PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}\d{7,8}", re.ASCII)
_BETWEEN = re.compile(r"[ \u00a0().\-（）－]")


@dataclass(frozen=True)
class Sealed:
    """A contact as it is stored.

    Attributes
    ----------
    sealed : bytes
        AES-256-GCM of the number: nonce, ciphertext and tag; bound to the case it was sealed for.
    trace : bytes
        Keyed hash of the number: the same for all cases of one number.
    key_id : str
        Which key it was.
    """

    sealed: bytes
    trace: bytes
    key_id: str


class ContactKey:
    """The key of the contacts.

    Parameters
    ----------
    secret : bytes
        32 random bytes; what seals and what finds are derived from it (HKDF, RFC 5869).
    """

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(_derived(secret, b"weige contact seal"))
        self._trace = _derived(secret, b"weige contact trace")
        self.key_id = hashlib.sha256(_derived(secret, b"weige contact key id")).hexdigest()[:12]

    @classmethod
    def read(cls, file: Path) -> ContactKey:
        """Read the key from its file.

        Raises
        ------
        InputError
            It is missing, not a key, or open to other users of the machine.
        """
        try:
            mode = file.stat().st_mode
            written = file.read_bytes()
        except OSError as error:
            raise InputError(
                "contact_key_missing",
                "the file of WEIGE_CONTACT_KEY_FILE cannot be read",
                mend="make one with weige privacy new-key FILE",
                file=str(file),
            ) from error
        if os.name == "posix" and mode & 0o077:
            raise InputError(
                "contact_key_open",
                "other users of this machine may read the key",
                mend="chmod 600",
                file=str(file),
            )
        try:
            secret = base64.b64decode(written.strip(), validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise InputError(
                "contact_key_broken", "this is no key of contacts",
                mend="make one with weige privacy new-key FILE", file=str(file),
            )  # fmt: skip
        return cls(secret)

    def seal(self, number: str, phone: str) -> Sealed:
        """Seal a telephone number for a case.

        Raises
        ------
        NotValidError
            It is no telephone number.
        """
        plain = plain_phone(phone)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, plain.encode(), number.encode())
        return Sealed(sealed, self.trace(plain), self.key_id)

    def open(self, number: str, sealed: bytes) -> str:
        """Return the telephone number of a case.

        Raises
        ------
        NotValidError
            It was sealed with another key, or for another case.
        """
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], number.encode())
        except InvalidTag as error:
            raise NotValidError("contact_of_other_key", "the contact was sealed with another key") from error
        return plain.decode()

    def trace(self, phone: str) -> bytes:
        """Return what finds everything that is held about a telephone number.

        Raises
        ------
        NotValidError
        """
        return hmac.digest(self._trace, plain_phone(phone).encode(), "sha256")


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(secret)


def plain_phone(phone: str) -> str:
    """Return a telephone number as digits, without what stands between them and without +86.

    Raises
    ------
    NotValidError
        It is none.
    """
    digits = _BETWEEN.sub("", phone.strip())
    for prefix in ("+86", "0086"):
        digits = digits.removeprefix(prefix)
    if not _PHONE.fullmatch(digits):
        raise NotValidError(
            "not_a_phone", "this is no telephone number that can be called back", field="phone"
        )
    return digits


def write_new_key(file: Path) -> ContactKey:
    """Write a new key to a file that is not there yet, for its owner only.

    Raises
    ------
    InputError
        The file is there already, or cannot be written.
    """
    secret = secrets.token_bytes(KEY_BYTES)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise InputError(
            "contact_key_there", "there is a file of that name",
            mend="a key is never replaced; name another file", file=str(file),
        ) from error  # fmt: skip
    except OSError as error:
        raise InputError(
            "output_not_writable", "it cannot be written", mend="choose another folder", file=str(file)
        ) from error
    with os.fdopen(handle, "wb") as opened:
        opened.write(base64.b64encode(secret) + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    return ContactKey(secret)
