"""Whoever computes it, a sha256 is that of the standard library."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from clika_core.digests import sha256


@pytest.mark.parametrize("expected_bytes", [0, 2**21])
@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 5000])
def test_it_is_that_of_hashlib(content: bytes, expected_bytes: int) -> None:
    ours, theirs = sha256(content, expected_bytes=expected_bytes), hashlib.sha256(content)
    ours.update(b"more")
    theirs.update(b"more")
    assert (ours.digest(), ours.hexdigest()) == (theirs.digest(), theirs.hexdigest())


def test_little_needs_no_openssl() -> None:
    loaded = "print('_hashlib' in sys.modules)"
    code = f"import sys, clika_core.digests as d; {loaded}; d.sha256(b'x'); {loaded}"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["False", "False"], "")
