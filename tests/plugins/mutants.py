"""Loopback backends that are wrong on purpose, each in one place, with the checks that have to notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall, Removals, TracedModel, Visitor
from clika_core.ir.assembly import assemble
from clika_core.ir.recording import Record, RecordKind
from clika_core.numerics import QuantParams
from clika_core.numerics.sharing import expand
from clika_loopback.arrays import LoopbackArrays
from clika_loopback.backend import LoopbackBackend
from clika_loopback.inputs import take
from clika_loopback.kernels.kernel import along
from clika_loopback.recording import record
from clika_loopback.traced_model import LoopbackTracedModel

Array = NDArray[Any]


class _Multiplying(LoopbackArrays):
    """Multiplies by the reciprocal of scale, as compilers do."""

    def quantize(self, array: Array, params: QuantParams) -> Array:
        scale, zero = (expand(x, array.shape, params.granularity) for x in (params.scale, params.zero_point))
        with np.errstate(over="ignore"):
            steps = np.rint(array.astype(np.float32) * (np.float32(1) / scale)) + zero
        codes = np.clip(steps, params.format.quant_min, params.format.quant_max) - zero
        return np.asarray(codes, np.float32)


class _HalfUp(LoopbackArrays):
    """Rounds sums half up."""

    def rescale(self, accumulator: Array, multiplier: Array, axis: int | None, params: QuantParams) -> Array:
        factor = multiplier if axis is None else along(multiplier, axis % accumulator.ndim, accumulator.ndim)
        codes = np.floor(accumulator.astype(np.float32) * factor + np.float32(0.5)) + params.zero_point
        clipped = np.clip(codes, params.format.quant_min, params.format.quant_max)
        return np.asarray(clipped - params.zero_point, np.float32)


class _RoundingTwice(LoopbackArrays):
    """Rounds products before it adds to them."""

    def multiply_add(self, array: Array, factor: Array, addend: Array) -> Array:
        return np.asarray(array * factor + addend, np.float32)


class _RoundingOnce(LoopbackArrays):
    """Makes one operation of a product and a sum, as compilers do."""

    def multiply_then_add(self, array: Array, factor: Array, addend: Array) -> Array:
        return self.multiply_add(array, factor, addend)


class _Nearly(LoopbackArrays):
    """Takes the inverse of a root in one step."""

    def inverse_root(self, array: Array) -> Array:
        return np.asarray(array.astype(np.float64) ** -0.5, np.float32)


class _Truncating(LoopbackArrays):
    """Counts values below zero one bin too high."""

    def histogram(self, array: Array, bin_exponent: int, first_bin: int, num_bins: int) -> Array:
        bins = np.trunc(array.astype(np.float64).ravel() / 2.0**bin_exponent).astype(np.int64) - first_bin
        return np.bincount(bins, minlength=num_bins)


class _Narrow(LoopbackArrays):
    """Sums squares in float32."""

    def sum_of_squares(self, array: Array, other: Array | None = None) -> float:
        difference = array if other is None else array - other
        return float(np.sum(difference.astype(np.float32) ** 2, dtype=np.float32))


class _Hasty(LoopbackArrays):
    """Takes all but the last samples."""

    def parts(self, arrays: Sequence[Array]) -> Iterable[tuple[Array, ...]]:
        return (tuple(array[: max(1, len(array) - 1)] for array in arrays),)


class _Coded(LoopbackArrays):
    """Compares codes where reals are meant."""

    def squared_errors(self, codes: Array, params: QuantParams, reference: Array) -> tuple[float, float]:
        return self.sum_of_squares(codes, reference), self.sum_of_squares(reference)


class _Forgiving(LoopbackArrays):
    """Looks past NaN."""

    def min_max(self, array: Array) -> tuple[float, float]:
        return float(np.nanmin(array)), float(np.nanmax(array))


class _Straight(LoopbackArrays):
    """Multiplies by a square matrix as it is."""

    def matmul(self, left: Array, right: Array, *, transposed: bool = False) -> Array:
        is_square = right.shape[-1] == right.shape[-2]
        return super().matmul(left, right, transposed=transposed and not is_square)


class _Adding(LoopbackArrays):
    """Adds choices as if they were numbers."""

    def softmax(self, array: Array, mask: Array | None = None) -> Array:
        return super().softmax(array, None if mask is None else mask.astype(np.float32))


class _Squashing(LoopbackArrays):
    """Takes the hyperbolic tangent for a sigmoid."""

    def sigmoid(self, array: Array) -> Array:
        return np.tanh(array)


class _Tiling(LoopbackArrays):
    """Repeats the whole where every entry should be."""

    def repeat(self, array: Array, times: int, axis: int) -> Array:
        return np.concatenate([array] * times, axis=axis)


class _Sorted(LoopbackArrays):
    """Takes entries in the order in which they stand."""

    def take(self, array: Array, places: Array, axis: int) -> Array:
        return np.take(array, np.sort(places), axis=axis)


class _Baked(LoopbackTracedModel):
    """Runs two samples, whatever it is given."""

    def run(self, inputs: Any) -> Any:
        arrays = self.flatten_inputs(inputs)
        outputs = self.interpret([array[:2] for array in arrays], lambda call: call.run())
        return self.result([np.resize(x, (len(arrays[0]), *x.shape[1:])) for x in outputs], arrays)


class _Deaf(LoopbackTracedModel):
    """Shows the visitor every layer, and goes on with its own values."""

    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        def deaf(call: LayerCall) -> Sequence[Array]:
            visitor(call)
            return call.run()

        return super().interpret(inputs, deaf)


class _Writing(LoopbackTracedModel):
    """Writes parameters into the user's model."""

    def parameters(self, layer: str) -> MutableMapping[str, Array]:
        return _Through(self, layer)


class _Through(dict[str, Array]):
    def __init__(self, model: LoopbackTracedModel, layer: str) -> None:
        self._held = model.weights(model.graph[layer])
        super().__init__({role: array.copy() for role, array in self._held.items()})
        self._own = LoopbackTracedModel.parameters(model, layer)

    def __setitem__(self, role: str, array: Array) -> None:
        self._own[role] = array
        if role in self._held:
            self._held[role][...] = array
        super().__setitem__(role, array)


class _Doubling(LoopbackTracedModel):
    """Runs norms that it folded once more."""

    def preprocess(self, removals: Removals) -> LoopbackTracedModel:
        copy = super().preprocess(removals)
        doubling = _Doubling(copy._model, copy._assembly, copy.overrides, copy.removed)
        doubling.arrays = self.arrays
        return doubling

    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        removed, self.removed = self.removed, {}
        try:
            return super().interpret(
                inputs, lambda call: call.run() if call.node.name in removed else visitor(call)
            )
        finally:
            self.removed = removed


class _Casting(LoopbackTracedModel):
    """Casts inputs without a word."""

    def flatten_inputs(self, inputs: Any) -> tuple[Array, ...]:
        if isinstance(inputs, tuple):
            inputs = tuple(np.asarray(array, np.float32) for array in inputs)
        return super().flatten_inputs(inputs)


class _Overwriting(LoopbackTracedModel):
    """A relu that works in place."""

    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        def overwrite(call: LayerCall) -> Sequence[Array]:
            outputs = visitor(call)
            if call.node.type == "relu":
                call.inputs[0][...] = outputs[0]
            return outputs

        return super().interpret(inputs, overwrite)


class _Stubborn(LoopbackTracedModel):
    """Layers that keep their own weights."""

    def _call(self, node: Any, arrived: tuple[Array, ...]) -> LayerCall:
        return _Keeping(super()._call(node, arrived))


@dataclass
class _Keeping:
    call: LayerCall

    def __getattr__(self, name: str) -> Any:
        return getattr(self.call, name)

    def run(self, inputs: Any = None, weights: Any = None) -> tuple[Array, ...]:
        return self.call.run(inputs)


class _Restless(LoopbackTracedModel):
    """Never computes the same twice."""

    _random = np.random.default_rng(0)

    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        outputs = super().interpret(inputs, visitor)
        return tuple(x * np.float32(1 + 1e-6 * self._random.random()) for x in outputs)


@dataclass(frozen=True)
class Mutant(LoopbackBackend):
    """A backend with other arrays or another kind of traced model; without paths where `is_nameless`."""

    kind: type[LoopbackTracedModel] = LoopbackTracedModel
    arrays: type[LoopbackArrays] = LoopbackArrays
    is_nameless: bool = False

    def trace(self, model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel:
        recording = record(model, take(model.inputs, example_inputs), name or model.name)
        if self.is_nameless:
            recording = replace(recording, records=tuple(_nameless(r) for r in recording.records))
        traced = self.kind(model, assemble(recording))
        traced.arrays = self.arrays()
        return traced


def _nameless(entry: Record) -> Record:
    return replace(entry, path=None) if entry.kind is RecordKind.OPERATION else entry


MUTANTS: Mapping[str, tuple[Mutant, set[str]]] = {
    "multiplies by the reciprocal": (
        Mutant(arrays=_Multiplying),
        {"test_codes_equal_the_reference", "test_codes_per_channel_equal_the_reference"},
    ),
    "rounds products before sums": (
        Mutant(arrays=_RoundingTwice),
        {"test_products_and_sums_are_rounded_once"},
    ),
    "rounds products with sums": (
        Mutant(arrays=_RoundingOnce),
        {"test_products_are_rounded_before_sums"},
    ),
    "takes roots quickly": (Mutant(arrays=_Nearly), {"test_inverse_roots_equal_the_reference"}),
    "rounds half up": (Mutant(arrays=_HalfUp), {"test_ties_of_sums_go_to_even"}),
    "counts from zero": (Mutant(arrays=_Truncating), {"test_histograms_count_every_value_in_its_bin"}),
    "sums in float32": (
        Mutant(arrays=_Narrow),
        {"test_squares_are_summed_in_float64", "test_errors_are_those_of_what_codes_stand_for"},
    ),
    "leaves samples out": (
        Mutant(arrays=_Hasty),
        {"test_parts_put_together_are_the_whole"},
    ),
    "compares codes": (
        Mutant(arrays=_Coded),
        {"test_errors_are_those_of_what_codes_stand_for"},
    ),
    "looks past NaN": (
        Mutant(arrays=_Forgiving),
        {
            "test_limits_tell_of_what_is_not_a_number",
            "test_values_that_are_no_numbers_stop_calibration",
        },
    ),
    "transposes no square": (Mutant(arrays=_Straight), {"test_products_of_integers_are_exact"}),
    "adds choices": (Mutant(arrays=_Adding), {"test_a_softmax_takes_masks_of_both_kinds"}),
    "squashes to minus one": (Mutant(arrays=_Squashing), {"test_a_sigmoid_is_between_nothing_and_one"}),
    "repeats the whole": (Mutant(arrays=_Tiling), {"test_what_is_repeated_stands_in_a_row"}),
    "sorts what it takes": (
        Mutant(arrays=_Sorted),
        {"test_entries_are_taken_in_the_order_of_their_places"},
    ),
    "bakes the batch in": (Mutant(_Baked), {"test_running_gives_the_models_result"}),
    "is deaf to visitors": (Mutant(_Deaf), {"test_what_a_visitor_returns_is_what_readers_get"}),
    "writes into the user's model": (
        Mutant(_Writing),
        {"test_one_use_of_a_shared_weight_is_written_alone", "test_the_users_model_never_changes"},
    ),
    "runs folded norms": (
        Mutant(_Doubling),
        {
            "test_preprocessing_keeps_the_result",
            "test_quantizing_keeps_the_result",
            "test_the_deployed_file_computes_the_same_codes",
        },
    ),
    "casts inputs": (Mutant(_Casting), {"test_another_dtype_is_refused"}),
    "overwrites values": (Mutant(_Overwriting), {"test_values_are_not_overwritten"}),
    "keeps its own weights": (Mutant(_Stubborn), {"test_a_layer_runs_with_the_weights_it_is_given"}),
    "never repeats itself": (
        Mutant(_Restless),
        {"test_running_twice_gives_the_same", "test_preprocessing_changes_nothing_but_its_copy"},
    ),
    "forgets paths": (Mutant(is_nameless=True), {"test_weighted_layers_know_where_they_come_from"}),
}
