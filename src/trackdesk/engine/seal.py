"""Channel URLs and secrets as the database keeps them: encrypted with a key that is in a file beside it.

A database or a backup that gets into wrong hands then gives nothing away. ChaCha20-Poly1305 with a random nonce; what a
value belongs to is authenticated along with it, so that one row's value can't be moved to another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trackdesk.domain.errors import Conflict
from trackdesk.engine import keyfile
from trackdesk.store import channels

if TYPE_CHECKING:
    from pathlib import Path

    from trackdesk.store.writer import Tx

KEY_BYTES = 32
NONCE_BYTES = 12
_VERSION = "v1."


class SealError(Exception):
    """A sealed value can't be opened; the text says what is wrong with which file, and nothing secret."""


@dataclass(frozen=True, slots=True)
class SealState:
    """What doctor shows of the key file; `remedy` is empty when all is well."""

    level: Literal["OK", "WARN", "ERROR"]
    detail: str
    remedy: str = ""


class Seal:
    """The key in `path`, read when it is first needed and made when nothing has been sealed yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key: bytes | None = None

    def seal(self, tx: Tx, text: str, identity: str) -> str:
        """`text` encrypted for the row and member that `identity` names. Reads a file when first used.

        Raises Conflict `seal_lost` when the key that earlier values were sealed with is gone: a second key would hide
        that, and make putting the first one back useless.
        """
        key = self._key_for_sealing(tx)
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + _cipher(key).encrypt(nonce, text.encode(), identity.encode())
        return _VERSION + base64.urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str, identity: str) -> str:
        """What was sealed for `identity`. Raises SealError. Reads a file when first used."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - 40 ms that only servers with channels pay

        raw = _decode(sealed)
        if self._key is None:
            self._key = self._read()
        if self._key is None:
            raise SealError(f"the key file {self.path} is missing; {_REMEDY}")
        try:
            text: bytes = _cipher(self._key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], identity.encode())
        except InvalidTag:
            self._key = None  # whoever puts the right file there needn't restart the server
            raise SealError(f"the key in {self.path} is not the one it was sealed with; {_REMEDY}") from None
        return text.decode()

    def state(self, check: str | None) -> SealState:
        """How the file looks against `check`, the stored check value."""
        try:
            key = self._read()
        except SealError as error:
            return SealState("ERROR", str(error), _REMEDY)
        if check is None:
            return SealState("OK", "nothing is sealed yet" if key is None else f"{self.path}, not used yet")
        if key is None:
            return SealState("ERROR", f"{self.path} is missing, so no channel can send", _REMEDY)
        if not hmac.compare_digest(_check_value(key), check):
            return SealState("ERROR", f"{self.path} is not the key this database was sealed with", _REMEDY)
        return SealState("OK", f"{self.path} fits the database")

    def _key_for_sealing(self, tx: Tx) -> bytes:
        check = channels.seal_check(tx)
        renewable = check is None or not channels.any_sealed(tx)
        try:
            if renewable:
                keyfile.read_or_make(self.path, _new_key)
            key = self._read()
        except OSError as error:
            raise Conflict(_lost(f"{self.path} can't be made ({error.strerror})"), code="seal_lost") from error
        except SealError as error:
            raise Conflict(_lost(str(error)), code="seal_lost") from error
        if key is None:
            raise Conflict(_lost(f"{self.path} is missing"), code="seal_lost")
        value = _check_value(key)
        if check != value:
            if not renewable:
                raise Conflict(_lost(f"{self.path} is not the key this database was sealed with"), code="seal_lost")
            channels.set_seal_check(tx, value)
        self._key = key
        return key

    def _read(self) -> bytes | None:
        try:
            key = keyfile.read(self.path)
        except OSError as error:
            raise SealError(f"the key file {self.path} can't be read: {error.strerror}") from error
        if key is not None and len(key) != KEY_BYTES:
            raise SealError(f"the key file {self.path} is damaged: it has {len(key)} bytes, not {KEY_BYTES}")
        return key


def examine(key_file: Path, database: Path) -> SealState:
    """For doctor: whether the key file fits what the database was sealed with. Works beside a running server."""
    try:
        check = channels.seal_check_in(database)
    except sqlite3.Error as error:
        return SealState("ERROR", f"{database} can't be read: {error}", "see what is said about the database")
    return Seal(key_file).state(check)


_REMEDY = "put the right file back; without it delete the channels and make them again"


def _lost(what: str) -> str:
    return f"{what}, so channels can't be opened or made; {_REMEDY}."


def _new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _check_value(key: bytes) -> str:
    """Tells keys apart without telling anything about them."""
    return hmac.new(key, b"trackdesk seal check", hashlib.sha256).hexdigest()


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415 - see open

    return ChaCha20Poly1305(key)


def _decode(sealed: str) -> bytes:
    try:
        raw = base64.b64decode(sealed.removeprefix(_VERSION), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if not sealed.startswith(_VERSION) or len(raw) <= NONCE_BYTES:
        raise SealError("the sealed value is damaged, or a newer trackdesk wrote it; set the channel's url again")
    return raw
