"""The pipeline finds the loopback backend as it finds any other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core.loopback.registered import loopback_registered


@pytest.fixture(autouse=True)
def loopback() -> Iterator[None]:
    """Registered for one test."""
    with loopback_registered():
        yield
