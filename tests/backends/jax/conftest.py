"""Skips this folder, with the reason, where JAX or a library that its tests use is not installed."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

NEEDED = ("jax", "flax", "equinox", "optax")
MISSING = [name for name in NEEDED if find_spec(name) is None]


def pytest_ignore_collect() -> bool | None:
    """Collect nothing here without JAX: importing the tests would fail."""
    return bool(MISSING) or None


def pytest_report_header() -> str | None:
    """Say so."""
    return f"JAX tests left out: {', '.join(MISSING)} not installed" if MISSING else None


if not MISSING:
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    )

    @pytest.fixture(autouse=True, scope="session")
    def _quick_compilation() -> None:
        import jax

        jax.config.update("jax_platforms", "cpu")
