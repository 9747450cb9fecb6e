"""`GraphBuilder`: a graph written as a model would be, for tests, documentation and plugins.

    g = GraphBuilder()
    x = g.input("x", ("d0", 3, 8, 8))
    h = g.layer("conv", x, weight=(16, 3, 3, 3), bias=(16,))
    a, b = g.layer("split", g.layer("relu", h), outputs=2).ports
    g.output(g.layer("add", a, b))
    graph = g.build()

Names, roles, shapes and dtypes that are not given are what a trace would most likely say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from clika_core.errors import GraphError, Location
from clika_core.ir.graph import AttributeValue, Graph, InputPort, Node, NodeKind, Shape, Value, Weight
from clika_core.ir.naming import Names, snake_case
from clika_core.ir.operators import OPERATORS, OperatorType, Trait
from clika_core.testing.inference import output_dtype, output_shape

WeightLike: TypeAlias = "tuple[int, ...] | Weight"

_UNKNOWN = OperatorType("unknown", Trait.COMPUTING, operands=("input", "other"))


@dataclass(frozen=True, slots=True)
class Built:
    """A value to build on: output `index` of node `name`, of `count` outputs."""

    name: str
    index: int
    count: int

    def port(self, index: int) -> Built:
        """Another output of the same node."""
        return replace(self, index=index)

    @property
    def ports(self) -> tuple[Built, ...]:
        """All outputs of the node, in order."""
        return tuple(self.port(index) for index in range(self.count))


class GraphBuilder:
    """Collects nodes in trace order; `build` makes the graph, which checks its own invariants."""

    def __init__(self, name: str = "model", *, sizes: Mapping[str, int] | None = None) -> None:
        """`sizes` are the example sizes of symbolic dimensions; one that is not listed is 2."""
        self._model_name = name
        self._sizes = dict(sizes or {})
        self._nodes: dict[str, Node] = {}
        self._names = Names()

    def input(
        self,
        name: str | None = None,
        shape: Shape = ("d0", 8),
        dtype: str = "float32",
        *,
        aliases: Sequence[str] = (),
    ) -> Built:
        """A graph input, named `input_1`, ... where no name is given."""
        given = self._name(name, "input")
        value = Value(dtype, shape, self._example(shape))
        return self._add(Node(given, "input", NodeKind.INPUT, outputs=(value,), aliases=tuple(aliases)))

    def layer(
        self,
        type_name: str,
        *operands: Built,
        name: str | None = None,
        weight: WeightLike | None = None,
        bias: WeightLike | None = None,
        weights: Mapping[str, WeightLike] | None = None,
        roles: Sequence[str] | None = None,
        outputs: int = 1,
        shape: Shape | None = None,
        shapes: Sequence[Shape] | None = None,
        dtype: str | None = None,
        dtypes: Sequence[str] | None = None,
        path: str | None = None,
        aliases: Sequence[str] = (),
        source: Location | None = None,
        **attributes: AttributeValue,
    ) -> Built:
        """A layer of that type over `operands`; what is left over of the keywords are its attributes.

        `weight`, `bias` and `weights` (by role) are parametric operands: a shape, or a `Weight` where dtype
        or identity matter (equal identities are tied weights). `roles` name the operands; else they are those
        of the vocabulary that no weight fills. `shape` and `dtype` hold for every output, `shapes` and
        `dtypes` one each.
        """
        given = self._name(name, snake_case(type_name))
        parametric = _weights(given, {"weight": weight, "bias": bias, **(weights or {})})
        ports = _ports(type_name, operands, roles, {entry.role for entry in parametric})
        inputs = tuple(self._value(operand) for operand in operands)
        one_shape = shape if shape is not None else output_shape(type_name, inputs, parametric, attributes)
        one_dtype = dtype or output_dtype(type_name, inputs)
        values = tuple(
            Value(one_type, dimensions, self._example(dimensions))
            for one_type, dimensions in zip(
                dtypes or (one_dtype,) * outputs, shapes or (one_shape,) * outputs, strict=True
            )
        )
        node = Node(
            given, type_name, NodeKind.LAYER, ports, values, attributes, parametric, path,
            tuple(dict.fromkeys([*([path] if path else []), *aliases])), source,
        )  # fmt: skip
        return self._add(node)

    def output(self, value: Built, name: str | None = None, *, path: str | None = None) -> Built:
        """A graph output, named `output_1`, ...; `path` is where it stands in the model's result."""
        given = self._name(name, "output")
        port = InputPort(value.name, value.index)
        return self._add(Node(given, "output", NodeKind.OUTPUT, (port,), aliases=(path,) if path else ()))

    def build(self) -> Graph:
        """The graph of everything added so far; raises GraphError where it breaks an invariant."""
        return Graph(tuple(self._nodes.values()), self._model_name)

    def _name(self, wanted: str | None, stem: str) -> str:
        """`wanted`, which must be free, or the next number of `stem`."""
        if wanted is None:
            return self._names.number(stem)
        if self._names.claim(wanted) != wanted:
            raise GraphError(f"the graph already has a node {wanted!r}", expected="unique names")
        return wanted

    def _add(self, node: Node) -> Built:
        self._nodes[node.name] = node
        return Built(node.name, 0, len(node.outputs))

    def _value(self, operand: Built) -> Value:
        return self._nodes[operand.name].outputs[operand.index]

    def _example(self, shape: Shape) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else self._sizes.get(size, 2) for size in shape)


def _weights(layer: str, given: Mapping[str, WeightLike | None]) -> tuple[Weight, ...]:
    """The parametric operands, each with an identity of its own unless it brings one."""
    return tuple(
        replace(entry, role=role)
        if isinstance(entry, Weight)
        else Weight(role, tuple(entry), "float32", f"{layer}.{role}")
        for role, entry in given.items()
        if entry is not None
    )


def _ports(
    type_name: str, operands: Sequence[Built], roles: Sequence[str] | None, parametric: set[str]
) -> tuple[InputPort, ...]:
    """One input port per operand, in the roles given or those of the vocabulary that no weight fills."""
    names = list(roles) if roles is not None else _free_roles(type_name, len(operands), parametric)
    return tuple(
        InputPort(operand.name, operand.index, role) for operand, role in zip(operands, names, strict=True)
    )


def _free_roles(type_name: str, count: int, parametric: set[str]) -> list[str]:
    """The first `count` operand roles of the type that are not in `parametric`."""
    entry = OPERATORS.get(type_name, _UNKNOWN)
    every = [_role(entry, position) for position in range(count + len(parametric))]
    return [role for role in every if role not in parametric][:count]


def _role(entry: OperatorType, position: int) -> str:
    """The vocabulary's role, or `operand_<position>` beyond what the type is known to take."""
    if position < len(entry.operands) or entry.operands[-1].endswith("*"):
        return entry.role(position)
    return f"operand_{position}"
