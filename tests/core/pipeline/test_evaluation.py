"""Scores and distances, against NumPy spelt out on all samples at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.errors import DataError
from clika_core.pipeline.dataset import LabelledBatch
from clika_core.pipeline.evaluation import Evaluation, evaluate
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch

RANDOM = np.random.default_rng(4)
X = RANDOM.standard_normal((50, 6)).astype(np.float32)
NOISE = RANDOM.standard_normal((6, 4)).astype(np.float32) * 0.3


def traced(*paths: str) -> Any:
    s = Sketch(1)
    x = s.input("x", 6)
    for path in paths or ("",):
        s.model.output(s.linear(x, 6, 4), path)
    return trace(s.model, (X[:2],))


def ran(model: Any, batches: Sequence[LabelledBatch], metric: Any = None) -> tuple[Evaluation, Any]:
    def exact(inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        return [np.asarray(y) for y in model.interpret(list(inputs), lambda call: call.run())]

    def noisy(inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        return [y + (inputs[0] @ NOISE).reshape(y.shape) for y in exact(inputs)]

    runners = {"float": exact, "quantized": noisy}
    return evaluate(model, runners, batches, "the test", metric), runners


def cut(targets: NDArray[Any] | None = None, size: int = 16) -> list[LabelledBatch]:
    return [
        LabelledBatch(X[i : i + size], None if targets is None else targets[i : i + size])
        for i in range(0, 50, size)
    ]


def test_classes_and_scores_mean_top1_by_themselves() -> None:
    model = traced()
    targets = RANDOM.integers(0, 4, 50)
    found, runners = ran(model, cut(targets))
    assert (found.metric, found.batches, found.samples) == ("top1", 4, 50)
    for name, run in runners.items():
        assert found.scores[name] == pytest.approx(np.mean(run([X])[0].argmax(1) == targets))
    same = np.mean(runners["quantized"]([X])[0].argmax(1) == runners["float"]([X])[0].argmax(1))
    assert found.top1_agreement["quantized"] == pytest.approx(same)


def test_the_distance_to_float_is_that_of_all_samples_and_outputs_together() -> None:
    model = traced("a", "b")
    found, runners = ran(model, cut())
    exact, noisy = (np.stack(runners[name]([X])) for name in ("float", "quantized"))
    assert found.relative_l2["quantized"] == pytest.approx(
        np.linalg.norm(noisy - exact) / np.linalg.norm(exact), rel=1e-6
    )
    for position, name in enumerate(("output_1 (a)", "output_2 (b)")):
        wanted = np.linalg.norm(noisy[position] - exact[position]) / np.linalg.norm(exact[position])
        assert found.outputs[name]["quantized"] == pytest.approx(wanted, rel=1e-6)
    assert (found.metric, found.scores) == (None, {})


@pytest.mark.parametrize(
    "targets",
    [None, RANDOM.standard_normal(50), RANDOM.integers(0, 4, (50, 4))],
    ids=["none", "floats", "2-D"],
)
def test_other_targets_mean_no_top1(targets: Any) -> None:
    assert ran(traced(), cut(targets))[0].metric is None


def test_two_outputs_mean_no_top1_by_themselves_and_the_first_when_it_is_asked_for() -> None:
    targets = RANDOM.integers(0, 4, 50)
    assert ran(traced("a", "b"), cut(targets))[0].metric is None
    assert ran(traced("a", "b"), cut(targets), "top1")[0].metric == "top1"


def test_a_metric_of_one_s_own_sees_the_model_s_own_result_and_is_averaged_over_samples() -> None:
    targets = RANDOM.standard_normal((50, 4)).astype(np.float32)

    def error(outputs: dict[str, Any], goals: Any) -> Any:
        return np.abs(outputs["a"] - goals).mean()

    found, runners = ran(traced("a", "b"), cut(targets), error)
    assert found.metric == "error"
    assert found.scores["quantized"] == pytest.approx(
        np.abs(runners["quantized"]([X])[0] - targets).mean(), rel=1e-5
    )


class Largest:
    def __init__(self) -> None:
        self.value = 0.0

    def update(self, outputs: Any, _: Any) -> None:
        self.value = max(self.value, float(outputs.max()))

    def compute(self) -> float:
        return self.value


@pytest.mark.parametrize("metric", [Largest, Largest()], ids=["class", "object"])
def test_a_metric_with_state_keeps_one_for_each_model(metric: Any) -> None:
    found, runners = ran(traced(), cut(), metric)
    for name, run in runners.items():
        assert found.scores[name] == pytest.approx(run([X])[0].max(), rel=1e-6)


def raising(*_: Any) -> float:
    raise KeyError("boxes")


MISTAKES: dict[str, tuple[Any, Any, str]] = {
    "top1 without targets": (None, "top1", "top1 needs targets"),
    "one target per output value": (RANDOM.integers(0, 4, (50, 4)), "top1", "one class number per sample"),
    "no metric": (None, 5, "this is no metric"),
    "no number": (None, lambda _, __: "good", "gives no number"),
    "an error of theirs": (None, raising, "the metric raising raised KeyError"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named(case: str) -> None:
    targets, metric, said = MISTAKES[case]
    with pytest.raises(DataError, match=said):
        ran(traced(), cut(targets), metric)


def test_top1_without_scores_is_named() -> None:
    s = Sketch(1)
    x = s.input("x", 6)
    s.model.output(s.op("reshape", s.linear(x, 6, 4), shape=(-1, 2, 2)))
    with pytest.raises(DataError, match=r"needs an output \[N, C\]"):
        ran(trace(s.model, (X[:2],)), cut(RANDOM.integers(0, 4, 50)), "top1")


def test_no_batch_is_named() -> None:
    with pytest.raises(DataError, match="no batch"):
        ran(traced(), [])
