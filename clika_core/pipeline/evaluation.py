"""Evaluation: float, simulated and deployed model on the same samples, in one pass over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.errors import DataError
from clika_core.ir.graph import Node
from clika_core.numerics import relative_l2, sum_of_squares
from clika_core.pipeline.dataset import LabelledBatch
from clika_core.pipeline.metrics import Metric, Predictions, Score, score_maker

Outputs: TypeAlias = Sequence[NDArray[Any]]
Runner: TypeAlias = Callable[[Sequence[NDArray[Any]]], Outputs]  # inputs beside graph.inputs -> graph.outputs
FLOAT = "float"


@dataclass(frozen=True)
class Evaluation:
    """What was found on the evaluation data. `scores` are by model; `relative_l2` is each model's distance to
    float, of all outputs together and of each; `top1_agreement` is with the float model, where outputs are [N, C].
    """

    source: str
    batches: int
    samples: int
    metric: str | None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    relative_l2: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    top1_agreement: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The member `evaluation` of the report."""
        return {
            "data": self.source,
            "batches": self.batches,
            "samples": self.samples,
            "metric": self.metric,
            "scores": dict(self.scores),
            "relative_l2": dict(self.relative_l2),
            "outputs": {name: dict(found) for name, found in self.outputs.items()},
            "top1_agreement": dict(self.top1_agreement),
        }


def evaluate(
    model: TracedModel,
    runners: Mapping[str, Runner],
    batches: Iterable[LabelledBatch],
    source: str,
    metric: str | Metric | None = None,
) -> Evaluation:
    """Run every model on every batch; `runners` have FLOAT among them. Raises DataError where data does not fit."""
    seen: _Seen | None = None
    for batch in batches:
        inputs = [np.asarray(model.arrays.to_numpy(array)) for array in model.flatten_inputs(batch.inputs)]
        outputs = {name: run(inputs) for name, run in runners.items()}
        targets = _on_host(batch.targets, model)
        if seen is None:
            name, make = score_maker(metric, model.graph, outputs[FLOAT], targets)
            seen = _Seen(model, name, {} if make is None else {runner: make() for runner in runners})
        seen.add(inputs, outputs, targets, batch.targets)
    if seen is None:
        raise DataError("the evaluation data has no batch", expected="at least one batch")
    return seen.evaluation(source)


class _Seen:
    """The sums over all batches so far."""

    def __init__(self, model: TracedModel, metric: str | None, scores: Mapping[str, Score]) -> None:
        self._model, self._metric, self._scores = model, metric, scores
        self._names = [_label(node) for node in model.graph.outputs]
        self._batches = self._samples = 0
        self._errors: dict[tuple[str, int], float] = {}
        self._references: dict[int, float] = {}
        self._same: dict[str, int] = {}

    def add(self, inputs: Outputs, outputs: Mapping[str, Outputs], targets: Any, given_targets: Any) -> None:
        """Take in one batch; `targets` are on the host, `given_targets` as the user gave them."""
        size = len(inputs[0]) if inputs and inputs[0].ndim else 1
        self._batches, self._samples = self._batches + 1, self._samples + size
        for name, found in outputs.items():
            if name in self._scores:
                native = _native(given_targets, self._model)
                result = self._result(inputs, found)
                self._scores[name].add(Predictions(found, targets, result, native, size))
            if name != FLOAT:
                self._compare(name, found, outputs[FLOAT])
        for position, reference in enumerate(outputs[FLOAT]):
            if np.issubdtype(reference.dtype, np.floating):
                self._references[position] = self._references.get(position, 0.0) + sum_of_squares(reference)

    def _compare(self, name: str, found: Outputs, reference: Outputs) -> None:
        for position, (ours, theirs) in enumerate(zip(found, reference, strict=True)):
            if np.issubdtype(theirs.dtype, np.floating):
                key = (name, position)
                self._errors[key] = self._errors.get(key, 0.0) + sum_of_squares(ours, theirs)
        if len(reference) == 1 and reference[0].ndim == 2 and reference[0].shape[1] > 1:
            same = np.count_nonzero(found[0].argmax(axis=1) == reference[0].argmax(axis=1))
            self._same[name] = self._same.get(name, 0) + int(same)

    def _result(self, inputs: Outputs, outputs: Outputs) -> Any:
        """The outputs as native arrays, with the structure of the model's own result."""
        model = self._model
        return model.result(model.native_inputs(outputs), model.native_inputs(inputs))

    def evaluation(self, source: str) -> Evaluation:
        """What all batches add up to."""
        runners = list(dict.fromkeys(name for name, _ in self._errors))
        return Evaluation(
            source,
            self._batches,
            self._samples,
            self._metric,
            {name: score.value() for name, score in self._scores.items()},
            {
                name: relative_l2(
                    sum(self._errors[name, position] for position in self._references),
                    sum(self._references.values()),
                )
                for name in runners
            },
            {
                self._names[position]: {
                    name: relative_l2(self._errors[name, position], reference) for name in runners
                }
                for position, reference in self._references.items()
            },
            {name: count / self._samples for name, count in self._same.items()},
        )


def _label(node: Node) -> str:
    """An output's name, with its path in the model's result where it has one."""
    return f"{node.name} ({node.aliases[0]})" if node.aliases else node.name


def _on_host(targets: Any, model: TracedModel) -> Any:
    """Targets as NumPy where they are one array; other structures as they are."""
    if targets is None or isinstance(targets, np.ndarray):
        return targets
    if hasattr(targets, "shape"):
        return model.arrays.to_numpy(targets)
    return targets


def _native(targets: Any, model: TracedModel) -> Any:
    """Targets as a native array where they are a NumPy array, so that a metric computes with one kind of array."""
    return model.native_inputs([targets])[0] if isinstance(targets, np.ndarray) else targets
