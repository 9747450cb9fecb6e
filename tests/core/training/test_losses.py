"""Losses of every shape that users write."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.errors import DataError
from clika_core.training.losses import as_number, checked_losses, named_losses


def test_scalars_lists_and_dicts_become_names() -> None:
    losses = {
        "plain": lambda outputs, targets: outputs + targets,
        "many": lambda outputs, _: [outputs, 2 * outputs],
        "named": lambda outputs, _: {"boxes": outputs, "classes": [1, 2]},
    }
    assert named_losses(losses, 3, 4) == {
        "plain": 7,
        "many_0": 3,
        "many_1": 6,
        "named_boxes": 3,
        "named_classes_0": 1,
        "named_classes_1": 2,
    }


def test_no_losses_are_none() -> None:
    assert checked_losses(None, "training_losses") == {}


@pytest.mark.parametrize("wrong", [len, [len], {1: len}])
def test_losses_are_a_dict_by_name(wrong: Any) -> None:
    with pytest.raises(DataError, match="training_losses are a dict by name"):
        checked_losses(wrong, "training_losses")


def test_a_loss_that_cannot_be_called_is_named() -> None:
    with pytest.raises(DataError, match=r"training_losses\['ce'\] cannot be called"):
        checked_losses({"ce": 3}, "training_losses")


def test_what_is_no_number_is_named() -> None:
    assert as_number("ce", 2) == 2.0
    with pytest.raises(DataError, match="'ce' gave no scalar"):
        as_number("ce", [1, 2])
