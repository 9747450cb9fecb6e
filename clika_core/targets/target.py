"""`Target`: which layers a runtime computes in integers, with which schemes, and what it fuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

from clika_core.errors import TargetError
from clika_core.frozen import field, frozen, replace
from clika_core.ir.graph import Graph, Node
from clika_core.ir.operators import OPERATORS, is_weighted
from clika_core.schemes import CodeRange, Granularity, PerChannel, PerGroup, PerTensor, QuantScheme
from clika_core.schemes.integer_format import MAX_BITS, MIN_BITS
from clika_core.targets.masked import masked_operand

Condition: TypeAlias = Callable[[Graph, Node], str | None]

CLAMPS = ("relu", "relu6")  # behind a kernel that saturates its codes they cost nothing


class Arithmetic(StrEnum):
    """How a quantized layer computes its output codes."""

    ACCUMULATE = "accumulate"  # products of codes, summed or single, one multiplier, then round
    ELEMENTWISE = "elementwise"  # dequantize, compute, quantize
    AVERAGE = "average"  # a sum of codes times one number where all of space is averaged, then round
    SUM = "sum"  # each of two codes times its scale over the output's, in onnxruntime's order, then round
    GATE = "gate"  # codes times the codes of their own sigmoid, one multiplier, then round
    SLOPE = (
        "slope"  # codes, those below zero times codes of slopes; a multiplier in fixed point for each side
    )
    ATTEND = "attend"  # two sums of products of codes; scores and softmax between them in reals
    MOVE = "move"  # codes go through unchanged, and keep the parameters of the input


class FloatOrder(StrEnum):
    """How a layer in floating point is computed, where the order of its roundings is known."""

    SCALE_THEN_SHIFT = "scale then shift"  # a product with one number a channel, rounded, then a sum
    FOUR_NEIGHBOURS = "four neighbours"  # products of four pixels with their weights, added one by one


@frozen
class Kernel:
    """How the target runs one operator type in integers.

    `weight_axis` is the output channel axis of the operand `weight`; None means one scale per tensor.
    `condition` returns None where the kernel takes this layer, else the reason, as the end of a sentence that
    begins "the target has no int8 kernel for it: ". `gives_floats`: its sums can leave as reals, without being
    rounded to codes, where only layers in floating point read them. `halves_for`: types of such readers for which the
    kernel runs twice instead and rounds sums above and below zero to codes of their own (decision 0044). With `lanes`
    its multiplier is in fixed point; ties go up in whole blocks of so many channels, and away from zero in the rest.
    """

    arithmetic: Arithmetic
    weight_axis: int | None = None
    condition: Condition | None = None
    needs_weight: bool = False
    gives_floats: bool = False
    halves_for: tuple[str, ...] = ()
    lanes: int | None = None


@frozen(slots=False)
class Target:
    """A deployment target. All fields are data; a third party makes one and registers it.

    `kernels` lists what runs quantized; a type that is not there stays float. `fusions` gives, per head type,
    the types that may follow it inside one kernel. `weights` and `activations` are the schemes at 8 bits, and
    `weight_bits`, `activation_bits` the widths the target has kernels for. `has_half_range`: weights can be kept
    within half of the codes, for processors on which int16 pairs of full-range products overflow. `fixed_outputs`
    gives (scale, zero_point) of types whose output has no other. `same_scales` are types whose operands and output
    have one scale in the file: where a simulation gives them several, the writer requantizes the operands.

    `file_suffix` names the deployed format, `written_by` the backend that writes it; None: ONNX, for every backend.
    Without `has_file` there is nothing to deploy to: it is for simulations. `group_sizes` are the sizes of groups of
    weights that can share a scale, `weight_group_size` the one in force; None: one scale for each output channel.
    `reasons` say of types without a kernel why, where somebody would expect one. `float_orders` name types that the
    runtime computes in floating point in an order of its own, which simulations follow.
    """

    name: str
    description: str
    kernels: Mapping[str, Kernel]
    weights: QuantScheme
    activations: QuantScheme
    fusions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weight_bits: tuple[int, ...] = (8,)
    activation_bits: tuple[int, ...] = (8,)
    has_half_range: bool = False
    fixed_outputs: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    same_scales: tuple[str, ...] = ()
    file_suffix: str = ".onnx"
    written_by: str | None = None
    has_file: bool = True
    group_sizes: tuple[int, ...] = ()
    weight_group_size: int | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    float_orders: Mapping[str, FloatOrder] = field(default_factory=dict)

    def support(
        self, graph: Graph, node: Node, weights_num_bits: int = 8, activations_num_bits: int = 8
    ) -> str | None:
        """None where the target computes this layer in integers, else why not."""
        has_weight, has_data = is_weighted(node), computes_on_floats(graph, node)
        bits = weights_num_bits, activations_num_bits
        refusal = self.refusal(node.type, has_weight, has_data, *bits)
        return refusal or self.objection(graph, node) or self.masked(graph, node)

    def refusal(
        self,
        type_: str,
        has_weight: bool,
        has_data: bool,
        weights_num_bits: int = 8,
        activations_num_bits: int = 8,
    ) -> str | None:
        """Why the target computes no layer of this type in integers, weighted or not, with or without float data.

        An embedding has no float data, only codes to look up.
        """
        kernel = self.kernels.get(type_)
        if kernel is None:
            why = self.reasons.get(type_)
            return f"{self.name} has no quantized kernel for {type_}" + (f": {why}" if why else "")
        looks_up = has_weight and OPERATORS[type_].index_operands
        if not has_data and not looks_up:
            return f"{self.name} runs {type_} quantized only on floating-point data of the model's inputs"
        if kernel.needs_weight and not has_weight:
            return f"{self.name} runs {type_} quantized only with a constant weight"
        if activations_num_bits not in self.activation_bits:
            return f"{self.name} has no {activations_num_bits}-bit activations"
        if has_weight and weights_num_bits not in self.weight_bits:
            return f"{self.name} has no {weights_num_bits}-bit weights"
        if has_weight and self._groups_weights_of(kernel) and self.weight_group_size not in self.group_sizes:
            return f"{self.name} has no kernel for weights in groups of {self.weight_group_size}"
        return None

    def objection(self, graph: Graph, node: Node) -> str | None:
        """Why the target does not compute this very layer in integers, where it does compute others of its type."""
        condition = self.kernels[node.type].condition
        reason = condition(graph, node) if condition is not None else None
        return self._no_kernel(reason)

    def masked(self, graph: Graph, node: Node) -> str | None:
        """Why no target computes this very layer in integers: a mask filled what it reads."""
        return self._no_kernel(masked_operand(graph, node))

    def _no_kernel(self, reason: str | None) -> str | None:
        return f"{self.name} has no quantized kernel for it: {reason}" if reason else None

    def with_half_range(self) -> Target:
        """The target with weights of -64..64 (`weights_utilize_full_int_range: false`). Raises TargetError."""
        if not self.has_half_range:
            raise TargetError(
                f"target {self.name} always uses the full range of weights",
                found="weights_utilize_full_int_range: false",
                fix="remove the setting",
            )
        return replace(self, weights=self.weights.with_code_range(CodeRange.HALF))

    def with_weight_groups(self, size: int | None) -> Target:
        """The target with one scale for each `size` weights along the input channels; None leaves it as it is."""
        return self if size is None else replace(self, weight_group_size=size)

    def with_simulated_bits(self) -> Target:
        """The target with every width from 2 to 16 bits: what can be simulated and trained for, kernel or not."""
        widths = tuple(range(MIN_BITS, MAX_BITS + 1))
        return replace(self, weight_bits=widths, activation_bits=widths)

    def check_written(self) -> None:
        """Raise TargetError where nothing here writes the target's files: plans and simulations can still be made."""
        if not self.has_file:
            raise TargetError(
                f"target {self.name} has no files: it is for simulations",
                expected="a target with a runtime",
                fix="set deployment_settings.target_framework to one, such as ort",
            )
        if self.written_by is not None:
            raise TargetError(
                f"files for target {self.name} cannot be written yet",
                found=f"{self.file_suffix} files, which the backend {self.written_by!r} does not write",
                expected="a target whose files are ONNX",
                fix="choose another target, or plan without deploying: clika plan --target " + self.name,
            )

    def arithmetic(self, node: Node) -> Arithmetic:
        """How the quantized layer computes; the layer must be supported.

        Sums of products whose weights have several scales are no integers: such a layer computes in reals.
        """
        return Arithmetic.ELEMENTWISE if self._is_grouped(node) else self.kernels[node.type].arithmetic

    def weight_scheme(self, node: Node, num_bits: int = 8) -> QuantScheme:
        """The scheme of the layer's multiplied weight."""
        axis = self.kernels[node.type].weight_axis
        granularity: Granularity = PerTensor() if axis is None else PerChannel(axis)
        if axis is not None and self.weight_group_size is not None:
            granularity = PerGroup(1 - axis, self.weight_group_size)
        return self.weights.with_num_bits(num_bits).with_granularity(granularity)

    def _is_grouped(self, node: Node) -> bool:
        """Whether the layer's weights have one scale for each group."""
        return self._groups_weights_of(self.kernels[node.type]) and is_weighted(node)

    def _groups_weights_of(self, kernel: Kernel) -> bool:
        return self.weight_group_size is not None and kernel.weight_axis is not None

    def fixed_params(self, type_: str) -> tuple[float, int]:
        """(scale, zero_point) of a type's output. Raises TargetError for one that the target leaves free."""
        if type_ not in self.fixed_outputs:
            raise TargetError(
                f"target {self.name} says nothing of the output of {type_}",
                found=f"fixed outputs of {', '.join(self.fixed_outputs) or 'no type'}",
                fix=f"name {type_} in the target's fixed_outputs",
            )
        return self.fixed_outputs[type_]

    def activation_scheme(self, num_bits: int = 8) -> QuantScheme:
        """The scheme of a value between layers."""
        return self.activations.with_num_bits(num_bits)


def computes_on_floats(graph: Graph, node: Node) -> bool:
    """Whether any operand that depends on the model's inputs is floating point."""
    return any(graph.value(port.key).is_float for port in node.inputs)
