"""The properties notice: every engine that is wrong on purpose fails the one that is named beside it."""

from __future__ import annotations

import pytest

from tests.properties.wrong_engines import WRONG_ENGINES, tried


@pytest.mark.parametrize("name", WRONG_ENGINES)
def test_a_wrong_engine_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wrong, found = WRONG_ENGINES[name]
    make_wrong(monkeypatch)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - an assertion, or an error where none belongs
        tried(found)()
    assert not isinstance(caught.value, (AttributeError, NameError, TypeError)), caught.value


def test_there_are_enough_of_them() -> None:
    assert len(WRONG_ENGINES) >= 30
