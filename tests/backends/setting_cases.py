"""What every key of the settings does, as cases: a value, and what it changes in a training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

from clika_core.pipeline.saved_state import SavedState
from clika_core.quality.techniques import TECHNIQUES
from clika_core.schemes.granularity import PerGroup
from clika_core.training.callbacks import Callback


@dataclass
class Run(Callback):
    """What a training left behind, and what it called."""

    folder: Path
    steps: list[Mapping[str, float]] = field(default_factory=list)
    summaries: list[Mapping[str, Any]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)  # datasets, as they were asked for
    drawn: list[str] = field(default_factory=list)  # batches, likewise
    offloaded: int = 0
    kept_bytes: int = 0  # for the backward pass of the first batch

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        self.steps.append(values)

    def on_epoch(self, epoch: int, summary: Mapping[str, Any]) -> None:
        self.summaries.append(summary)

    @property
    def epochs(self) -> list[str]:
        return sorted(path.parent.name for path in self.folder.glob("epoch_*/model.pompom"))

    @property
    def state(self) -> SavedState:
        return SavedState.load(self.folder / self.epochs[-1] / "model.pompom")

    def scales(self, epoch: str) -> list[Any]:
        state = SavedState.load(self.folder / epoch / "model.pompom")
        return [own.scale.tolist() for own in state.parameters.weights.values()]

    @property
    def log(self) -> str:
        (path,) = (self.folder / "logs").iterdir()
        return path.read_text(encoding="utf-8")

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "clika_report.json").read_text(encoding="utf-8"))
        return found

    def step_values(self, name: str) -> list[float]:
        return [values[name] for values in self.steps if name in values]

    def floats(self) -> set[str]:
        return {layer["name"] for layer in self.report["layers"] if layer["precision"] == "float"}

    def bits(self, kind: str) -> set[int]:
        parameters: Any = getattr(self.state.parameters, kind)
        return {own.format.num_bits for own in parameters.values()}


class Case(NamedTuple):
    """`check(plain, changed)` holds; `base` is for both."""

    key: str
    value: Any
    check: Callable[[Run, Run], bool]
    base: Mapping[str, Any] = {}


def weights_differ(plain: Run, changed: Run) -> bool:
    return any(
        not np.array_equal(plain.state.weights[layer][role], array)
        for layer, own in changed.state.weights.items()
        for role, array in own.items()
    )


def same_end(plain: Run, changed: Run) -> bool:
    return plain.steps == changed.steps and not weights_differ(plain, changed)


def starts(prefix: str) -> Callable[[Run, Run], bool]:
    return lambda plain, changed: (
        any(name.startswith(prefix) for name in changed.steps[0])
        and not any(name.startswith(prefix) for name in plain.steps[0])
    )


def rates(run: Run) -> list[float]:
    return run.step_values("learning_rate")


def means_are_values(run: Run) -> bool:
    line = next(line for line in run.log.splitlines() if "epoch 2/2, step 4/4: loss" in line)
    value, mean = line.split("loss ")[1].split(")")[0].split(" (mean ")
    return value == mean


def is_half(array: Any) -> bool:
    """Whether float32 numbers are bfloat16 ones: their lower 16 bits are zeros."""
    return not np.any(np.ascontiguousarray(array).view(np.uint32) & 0xFFFF)


def says_it_does_nothing(key: str) -> Callable[[Run, Run], bool]:
    """What improves a model that is not trained has no effect in a training, and the log says so."""
    return lambda plain, changed: f"{key} has no" in changed.log and f"{key} has no" not in plain.log


CASES: Final = [
    Case("target_framework", "trt", lambda a, b: (a.state.target, b.state.target) == ("ort", "trt")),
    Case(
        "weights_utilize_full_int_range",
        False,
        lambda a, b: largest_scale(b) == pytest.approx(largest_scale(a) * 127.5 / 64, rel=0.02),
    ),
    Case("cpu", "avx2", lambda a, b: "avx2 alone lacks VNNI" in b.log and "avx2 alone" not in a.log),
    Case("method", "ptq", lambda a, b: (a.epochs[-1], b.epochs) == ("epoch_2", ["epoch_0"])),
    Case("weights_num_bits", 4, lambda a, b: (a.bits("weights"), b.bits("weights")) == ({8}, {4})),
    Case(
        "activations_num_bits", 5, lambda a, b: (a.bits("activations"), b.bits("activations")) == ({8}, {5})
    ),
    Case(
        "weights_group_size",
        32,
        lambda a, b: has_groups(b) and not has_groups(a),
        {"target_framework": "simulation"},
    ),
    Case("observer", "mean_min_max", lambda a, b: widest(b) < widest(a)),
    *(Case(key, True, says_it_does_nothing(key)) for key in TECHNIQUES),
    Case("skip_tail_quantization", False, lambda a, b: "linear_3" in a.floats() and not b.floats()),
    Case(
        "automatic_skip_quantization",
        False,
        lambda a, b: "linear_1" in a.floats() and "linear_1" not in b.floats(),
        {"quantization_sensitivity_threshold": 0.0},
    ),
    Case("quantization_sensitivity_threshold", 0.0, lambda a, b: len(b.floats()) > len(a.floats())),
    Case(
        "quantization_sensitivity_measure",
        "absolute",
        lambda a, b: len(b.floats()) > len(a.floats()),
        {"quantization_sensitivity_threshold": 0.05},
    ),
    Case("num_epochs", 3, lambda a, b: (a.epochs[-1], b.epochs[-1]) == ("epoch_2", "epoch_3")),
    Case("learning_rate", 0.5, lambda a, b: rates(b)[0] == 0.5 and weights_differ(a, b)),
    Case("learning_rate_schedule", "cosine", lambda a, b: len(set(rates(a))) == 1 and falls(rates(b))),
    Case("original_last_learning_rate", 0.01, lambda a, b: rates(b)[0] == 0.01 != rates(a)[0]),
    Case(
        "learn_scales", True, lambda a, b: bool(b.state.native.arrays.keys() - a.state.native.arrays.keys())
    ),
    Case(
        "freeze_scales_after_epochs",
        1,
        lambda a, b: b.scales("epoch_0") != b.scales("epoch_1") == b.scales("epoch_2") != a.scales("epoch_2"),
        {"learn_scales": True},
    ),
    Case(
        "freeze_observers_after_epochs",
        1,
        lambda a, b: (
            moves(b, "epoch_0", "epoch_1")
            and not moves(b, "epoch_1", "epoch_2")
            and not moves(a, "epoch_0", "epoch_2")
        ),
        {"learning_rate": 0.1},
    ),
    Case(
        "is_training_from_scratch",
        True,
        lambda a, b: moves(b, "epoch_0", "epoch_1") and not moves(a, "epoch_0", "epoch_1"),
    ),
    Case("distillation", "layers", starts("distillation_layers")),
    Case(
        "distillation_weight",
        3.0,
        lambda a, b: (
            b.steps[0]["distillation_outputs"] == pytest.approx(3 * a.steps[0]["distillation_outputs"])
        ),
        {"distillation": "outputs"},
    ),
    Case(
        "distillation_temperature",
        4.0,
        lambda a, b: b.steps[0]["distillation_outputs"] != a.steps[0]["distillation_outputs"],
        {"distillation": "outputs"},
    ),
    Case(
        "early_stop_epochs",
        1,
        lambda a, b: (a.epochs[-1], b.epochs[-1]) == ("epoch_3", "epoch_1"),
        {"num_epochs": 3, "learning_rate": 1e3},  # it gets worse
    ),
    Case(
        "grads_acc_steps",
        2,
        lambda a, b: (len(a.step_values("gradient_norm")), len(b.step_values("gradient_norm"))) == (8, 4),
    ),
    Case("steps_per_epoch", 3, lambda a, b: (len(a.steps), len(b.steps)) == (8, 6)),
    Case(
        "evaluation_steps",
        1,
        lambda a, b: (a.drawn.count("evaluation"), b.drawn.count("evaluation")) == (16, 4),
    ),
    Case(
        "lr_warmup_epochs",
        1,
        lambda a, b: rates(b)[0] < rates(a)[0] == rates(b)[4],
        {"lr_warmup_steps_per_epoch": 3},
    ),
    Case(
        "lr_warmup_steps_per_epoch",
        2,
        lambda a, b: rates(a)[1] < rates(b)[1] == rates(b)[3],
        {"lr_warmup_epochs": 1},
    ),
    Case("amp_dtype", "bfloat16", lambda a, b: weights_differ(a, b) and close(a, b)),
    Case("amp_dtype", "float16", lambda a, b: "loss_scaling" in b.state.native.values and close(a, b)),
    Case("weights_dtype", "bfloat16", lambda a, b: weights_are_half(b) and not weights_are_half(a)),
    Case("stats_steps", 3, lambda a, b: (batches(a), batches(b)) == (2, 3)),
    Case("activations_offloading", True, lambda a, b: (a.offloaded, b.offloaded) == (0, 8)),
    Case("gradient_checkpointing", True, lambda a, b: b.kept_bytes < 0.8 * a.kept_bytes and same_end(a, b)),
    Case("clip_grad_norm_val", 1e-3, weights_differ, {"learning_rate": 0.1}),
    Case(
        "clip_grad_norm_type",
        1.0,
        lambda a, b: b.steps[0]["gradient_norm"] > a.steps[0]["gradient_norm"],
    ),
    Case("save_interval", 2, lambda a, b: "epoch_1" in a.epochs and b.epochs == ["epoch_0", "epoch_2"]),
    Case("print_interval", 1, lambda a, b: "step 1/4" in b.log and "step 1/4" not in a.log),
    Case("print_ma_window_size", 1, lambda a, b: means_are_values(b) and not means_are_values(a)),
    Case(
        "reset_train_data", True, lambda a, b: (a.made.count("training"), b.made.count("training")) == (2, 3)
    ),
    Case(
        "reset_eval_data",
        False,
        lambda a, b: (a.made.count("evaluation"), b.made.count("evaluation")) == (4, 1),
    ),
    Case(
        "skip_initial_eval",
        True,
        lambda a, b: original(b) is None and original(a) is not None,
    ),
    Case("random_seed", 7, lambda a, b: a.steps[0]["loss"] != b.steps[0]["loss"]),
]
BACKENDS_OWN: Final = frozenset(
    {
        *("learning_rate", "learning_rate_schedule", "learn_scales", "freeze_scales_after_epochs"),
        *("freeze_observers_after_epochs", "is_training_from_scratch"),
        *("distillation", "distillation_weight", "distillation_temperature", "grads_acc_steps"),
        *("clip_grad_norm_val", "clip_grad_norm_type", "random_seed", "weights_num_bits"),
        *("amp_dtype", "weights_dtype", "activations_offloading", "gradient_checkpointing"),
    }
)
"""The keys in whose effect a backend has a hand; the core alone does what the others say, the same for all."""


def own_cases(errors: Mapping[str, Any], *, is_tried: Callable[[Case], bool] = lambda _: True) -> list[Case]:
    """The cases of a backend that does not honour `errors`."""
    return [case for case in CASES if case.key in BACKENDS_OWN - set(errors) and is_tried(case)]


def moves(run: Run, before: str, after: str) -> bool:
    """Whether between two epochs ranges of weights and of activations moved; False where none did."""
    first, second = (
        SavedState.load(run.folder / epoch / "model.pompom").parameters for epoch in (before, after)
    )
    kinds = [first.weights != second.weights, first.activations != second.activations]
    assert len(set(kinds)) == 1, kinds
    return kinds[0]


def largest_scale(run: Run) -> float:
    return max(float(own.scale.max()) for own in run.state.parameters.weights.values())


def has_groups(run: Run) -> bool:
    return any(isinstance(own.granularity, PerGroup) for own in run.state.parameters.weights.values())


def widest(run: Run) -> float:
    return max(float(own.scale) for own in run.state.parameters.activations.values())


def falls(values: list[float]) -> bool:
    return all(after < before for before, after in pairwise(values))


def close(plain: Run, changed: Run) -> bool:
    return changed.steps[-1]["loss"] == pytest.approx(plain.steps[-1]["loss"], rel=0.05)


def weights_are_half(run: Run) -> bool:
    return all(is_half(array) for own in run.state.weights.values() for array in own.values())


def batches(run: Run) -> int:
    found: int = run.report["calibration"]["batches"]
    return found


def original(run: Run) -> float | None:
    found: float | None = run.summaries[-1]["evaluation"]["loss"]["original"]
    return found
