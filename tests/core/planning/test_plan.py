"""`clika.plan`: the target by name, and what a plan offers to its reader."""

from __future__ import annotations

import pytest

import clika_core as clika
from clika_core.errors import GraphError, TargetError
from clika_core.planning.plan import make_plan
from clika_core.targets.ort import ORT
from tests.core.planning.asking import ask, settings_of, skip
from tests.core.planning.networks import classifier


def test_the_target_comes_from_the_argument_or_the_settings_or_is_onnxruntime() -> None:
    settings = settings_of({"linear_1": skip()})
    expected = make_plan(classifier(), settings, ORT)
    assert clika.plan(classifier(), settings).decisions == expected.decisions
    assert clika.plan(classifier(), settings, target="ort").decisions == expected.decisions
    settings.deployment_settings.target_framework = "ort"
    assert clika.plan(classifier(), settings).decisions == expected.decisions


def test_an_unknown_target_is_an_error_that_names_it() -> None:
    with pytest.raises(TargetError, match="abacus"):
        clika.plan(classifier(), settings_of(), target="abacus")


def test_the_default_settings_skip_the_tail_alone() -> None:
    assert clika.plan(classifier()).skipped == ("linear_5",)


def test_a_layer_that_does_not_exist_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(GraphError, match="linear_5"):
        ask(classifier())["liner_5"]


def test_skipped_and_quantized_and_removed_share_out_the_layers() -> None:
    plan = ask(classifier(), {"linear_1": skip(["linear_2"])}, tail=None)
    names = [*plan.skipped, *plan.quantized, *plan.removed]
    assert sorted(names) == sorted(layer.name for layer in classifier().layers)
