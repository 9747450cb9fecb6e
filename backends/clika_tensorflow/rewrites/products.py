"""`Einsum` of two operands as a matrix product: operands with axes permuted and joined, the result taken apart again.

abc,cde->abde   [a, b, c] times a [c, d·e] constant, a dense layer
aecd,abcd->acbe [a, c, b, d] times [a, c, d, e], the scores of attention
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from clika_core.ir.recording import Ref
from clika_tensorflow.flattening import FlatCall, FlatGraph
from clika_tensorflow.rewrites.editing import Editing, input_shape


def rewrite(graph: FlatGraph) -> FlatGraph:
    """Every `Einsum` that is a matrix product, as one."""
    editing = Editing(graph)
    calls: list[FlatCall] = []
    for call in graph.calls:
        product = _product_of(editing, call) if call.type == "Einsum" else None
        calls.extend([call] if product is None else _Writing(editing, call, product).calls())
    return editing.finish(calls)


@dataclass(frozen=True)
class _Product:
    """Labels that both operands keep, that one of them keeps, and that are summed over; every label's size."""

    first: Ref
    second: Ref
    labels: tuple[str, str, str]
    batch: str
    left: str
    right: str
    summed: str
    sizes: Mapping[str, int | None]


def _product_of(editing: Editing, call: FlatCall) -> _Product | None:
    """The matrix product that `call` is; None for traces, diagonals, sums, and sizes that cannot be joined."""
    references = list(call.reads)
    shapes = [input_shape(call, position) for position in range(len(references))]
    equation = call.native.get_attr("equation").decode().replace(" ", "")
    if len(references) != 2 or None in shapes or "->" not in equation:
        return None
    labels = _spelt_out(equation, [len(shape or ()) for shape in shapes])
    if labels is None:
        return None
    first, second, result = labels
    if editing.is_parametric(references[0]) and not editing.is_parametric(references[1]):
        first, second, references, shapes = second, first, references[::-1], shapes[::-1]
    kept = [label for label in first if label in second]
    sizes: dict[str, int | None] = {}
    for axes, shape in zip((first, second), shapes, strict=True):
        known = zip(axes, shape or (), strict=True)
        sizes.update((label, size) for label, size in known if sizes.get(label) is None)
    product = _Product(
        references[0],
        references[1],
        (first, second, result),
        "".join(label for label in kept if label in result),
        "".join(label for label in first if label not in second),
        "".join(label for label in second if label not in first),
        "".join(label for label in kept if label not in result),
        sizes,
    )
    return product if _is_product(product) else None


def _spelt_out(equation: str, ranks: Sequence[int]) -> tuple[str, str, str] | None:
    """The labels of both operands and the result, with letters in place of an ellipsis."""
    given, _, result = equation.partition("->")
    operands = given.split(",")
    spare = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in equation]
    lengths = {
        rank - len(labels) + 3 for labels, rank in zip(operands, ranks, strict=True) if "..." in labels
    }
    if len(lengths) > 1:
        return None
    hidden = "".join(spare[: max(lengths, default=0)])
    first, second, last = (labels.replace("...", hidden) for labels in (*operands, result))
    return first, second, last


def _is_product(product: _Product) -> bool:
    result = product.labels[2]
    is_plain = all(len(set(labels)) == len(labels) for labels in product.labels)
    is_whole = set(result) == {*product.batch, *product.left, *product.right}
    has_matrices = bool(product.summed and product.left)
    joined = [labels for labels in (product.left, product.right, product.summed) if len(labels) > 1]
    is_known = all(product.sizes[label] is not None for labels in joined for label in labels)
    free = [label for label in result if product.sizes[label] is None]
    return is_plain and is_whole and has_matrices and len(free) <= 1 and (is_known or not product.batch)


class _Writing:
    """The calls of one product; what they give is known by labels, several of which may be joined into one axis."""

    def __init__(self, editing: Editing, call: FlatCall, product: _Product) -> None:
        self._editing, self._call, self._product = editing, call, product
        self._made: list[FlatCall] = []

    def calls(self) -> list[FlatCall]:
        """The last one has the name of the call that they stand for."""
        product = self._product
        first, second, result = product.labels
        batch = list(product.batch)
        left = [product.left] if batch else list(product.left)
        right = [product.right] if len(product.right) != 1 or batch else list(product.right)
        x = self._arranged("x", product.first, first, [*batch, *left, product.summed])
        y = self._arranged("y", product.second, second, [*batch, *right, product.summed])
        order = [*batch, *left, *right]
        z = self._add(
            "product", "BatchMatMulV2", {"x": x, "y": y}, self._sizes(order), adj_x=False, adj_y=True
        )
        self._arranged("result", z, order, list(result))
        *calls, last = self._made
        return [*calls, replace(last, id=self._call.id)]

    def _arranged(self, name: str, ref: Ref, given: Sequence[str], wanted: Sequence[str]) -> Ref:
        """A value whose axes are `given` as one whose axes are `wanted`; axes that are joined there are not here."""
        if any(len(group) != 1 for group in given):
            given = [label for group in given for label in group]
            ref = self._reshaped(name, ref, self._sizes(given))
        apart = [label for group in wanted for label in group]
        if list(given) != apart:
            perm = self._editing.constant(
                f"{self._call.id}/{name}/perm", [given.index(label) for label in apart]
            )
            ref = self._add(f"{name}/permuted", "Transpose", {"x": ref, "perm": perm}, self._sizes(apart))
        if any(len(group) != 1 for group in wanted):
            ref = self._reshaped(f"{name}/joined", ref, self._sizes(wanted))
        return ref

    def _sizes(self, groups: Sequence[str]) -> list[int | None]:
        """The size of every axis; one that joins no labels has one element."""
        return [self._joined([self._product.sizes[label] for label in group]) for group in groups]

    @staticmethod
    def _joined(sizes: Sequence[int | None]) -> int | None:
        known = [size for size in sizes if size is not None]
        return prod(known) if len(known) == len(sizes) else None

    def _reshaped(self, name: str, ref: Ref, sizes: Sequence[int | None]) -> Ref:
        numbers = [-1 if size is None else size for size in sizes]
        shape = self._editing.constant(f"{self._call.id}/{name}/shape", numbers)
        return self._add(f"{name}/reshaped", "Reshape", {"tensor": ref, "shape": shape}, sizes)

    def _add(
        self, name: str, kind: str, arguments: dict[str, Ref], shape: Sequence[int | None], **attributes: bool
    ) -> Ref:
        call = self._editing.call(self._call, f"{self._call.id}/{name}", kind, arguments, shape, **attributes)
        self._made.append(call)
        return Ref(call.id)
