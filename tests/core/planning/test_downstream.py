"""`skip_quantization_downstream`: every layer that can be reached from a selected one."""

from __future__ import annotations

import pytest

from clika_core.errors import SettingsError
from clika_core.planning.decision import How
from clika_core.settings.model import LayerQuantizationSettings
from tests.core.planning.asking import ask, skip
from tests.core.planning.networks import chain, classifier, detector, diamond


def test_the_guides_second_example_skips_from_the_pool_to_the_last_layer() -> None:
    plan = ask(classifier(), {"adaptive_avg_pool_1": skip(downstream=True)})
    assert plan.skipped == (
        "adaptive_avg_pool_1", "flatten_1", "linear_1", "relu_3", "linear_2", "relu_4", "linear_3", "relu_5",
        "linear_4", "relu_6", "linear_5",
    )  # fmt: skip


def test_every_branch_after_the_layer_is_skipped_and_none_beside_it() -> None:
    assert ask(diamond(), {"sigmoid_1": skip(downstream=True)}).skipped == ("sigmoid_1", "add_1", "softmax_1")
    assert ask(diamond(), {"relu_2": skip(downstream=True)}).skipped == ("relu_2", "add_1")


def test_one_head_of_a_detector_goes_without_the_other() -> None:
    plan = ask(detector(), {"conv_3": skip(downstream=True)})
    assert plan.skipped == ("conv_3", "permute_1", "reshape_1", "concat_1", "sigmoid_1")


def test_the_selected_layer_is_told_apart_from_those_after_it() -> None:
    plan = ask(diamond(), {"relu_2": skip(downstream=True)})
    assert [plan[name].causes[0].how for name in plan.skipped] == [How.SELECTED, How.DOWNSTREAM]


def test_it_starts_at_removed_layers_too() -> None:
    assert ask(chain("linear", "dropout", "softmax"), {"dropout_1": skip(downstream=True)}).skipped == (
        "softmax_1",
    )


@pytest.mark.parametrize(
    "keywords",
    [
        {"skip_quantization_downstream": True},
        {"skip_quantization": False, "skip_quantization_downstream": True},
        {"skip_quantization_until": ["linear_5"]},
        {"skip_quantization": False, "skip_quantization_until": ["linear_5"]},
        {
            "skip_quantization": True,
            "skip_quantization_until": ["linear_5"],
            "skip_quantization_downstream": True,
        },
    ],
    ids=["downstream alone", "downstream of False", "until alone", "until of False", "both"],
)
def test_a_range_needs_skip_quantization_and_excludes_the_other_range(keywords: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="skip_quantization"):
        ask(classifier(), {"linear_1": LayerQuantizationSettings(**keywords)})  # type: ignore[arg-type]
