"""sha256 that loads OpenSSL only where it pays, as `random` of the standard library does."""

from __future__ import annotations

from typing import Final, Protocol

_WORTH_OPENSSL_BYTES: Final = 2**20


class Digest(Protocol):
    """What is used of the objects of `hashlib`."""

    def update(self, content: bytes, /) -> None:
        """Feed more."""

    def digest(self) -> bytes:
        """The 32 bytes."""

    def hexdigest(self) -> str:
        """The same in hexadecimal."""


def sha256(content: bytes = b"", *, expected_bytes: int = 0) -> Digest:
    """A sha256 that was fed `content`; about `expected_bytes` more will follow.

    OpenSSL takes 4 ms to load and hashes several times as fast: it pays from about a megabyte on.
    """
    if len(content) + expected_bytes < _WORTH_OPENSSL_BYTES:
        try:
            from _sha256 import sha256 as small  # type: ignore[import-not-found]
        except ImportError:  # other versions of Python have it under another name
            pass
        else:
            found: Digest = small(content)
            return found
    from hashlib import sha256 as large

    return large(content)
