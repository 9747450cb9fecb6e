"""Conditions that kernels share: each returns None where the layer fits, else the reason."""

from __future__ import annotations

from collections.abc import Callable, Container

from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import AttributeValue, Graph, Node, NodeKind
from clika_core.ir.operators import OPERATORS, Trait, is_weighted, trait_of
from clika_core.targets.target import Condition


def all_of(*conditions: Condition) -> Condition:
    """Every condition holds; else the reason of the first that does not."""

    def check(graph: Graph, node: Node) -> str | None:
        for condition in conditions:
            reason = condition(graph, node)
            if reason is not None:
                return reason
        return None

    check.__doc__ = "; ".join(
        (each.__doc__ or each.__name__).partition("\n")[0].rstrip(".") for each in conditions
    )
    return check


def serves_integers(kernels: Callable[[], Container[str]]) -> Condition:
    """A value that a layer with weights reads, or that no layer in floating point reads."""

    def check(graph: Graph, node: Node) -> str | None:
        found = _float_reader(graph, node, kernels(), _SUMS_OF_SUMS)
        return found and f"it would round for {found} alone, which computes on floats"

    check.__doc__ = "its result is read by a layer with weights, or by no layer in floating point"
    return check


_SUMS_OF_SUMS = 4  # how many sums that read one another are looked through


def _float_reader(graph: Graph, node: Node, kernels: Container[str], depth: int) -> str | None:
    """The type of a reader without a kernel, where no reader has weights; None where integers are of use."""
    positions = graph.consumers[graph.index[node.name]]
    readers = [
        graph.nodes[position] for position in positions if graph.nodes[position].kind is NodeKind.LAYER
    ]
    if any(is_weighted(reader) for reader in readers):
        return None
    for reader in readers:
        if reader.type not in kernels and trait_of(reader) is Trait.COMPUTING:
            return reader.type
    is_chain = depth > 0 and len(readers) == 1 and readers[0].type == node.type
    return _float_reader(graph, readers[0], kernels, depth - 1) if is_chain else None


def global_pool(graph: Graph, node: Node) -> str | None:
    """An adaptive pool whose windows are all the same size, so that a plain or global pool computes it."""
    sizes = node.attributes.get("output_size")
    wanted = sizes if isinstance(sizes, tuple) else ()
    shape = graph.value(node.inputs[0].key).example_shape
    space = shape[1:-1] if "channel_axis" in node.attributes else shape
    given = space[-len(wanted) or None :]
    if wanted and all(
        isinstance(w, int) and w > 0 and g % w == 0 for w, g in zip(wanted, given, strict=True)
    ):
        return None
    return f"output size {sizes} does not divide the input size {given}"


def mean_over_space(graph: Graph, node: Node) -> str | None:
    """A mean over all spatial axes of a [N, C, ...] value: a global average pool."""
    rank = len(graph.value(node.inputs[0].key).example_shape)
    if node.attributes.get("axes") == tuple(range(2, rank)) and rank > 2:
        return None
    return f"it averages axes {node.attributes.get('axes')}, not all spatial ones"


def absorbed_by_conv(graph: Graph, node: Node) -> str | None:
    """Spatial padding with zeros whose only readers are convolutions: it becomes their own padding."""
    mode, value = node.attributes.get("mode", "constant"), node.attributes.get("value", 0)
    if mode != "constant" or value:
        return f"it pads with {value if mode == 'constant' else mode}"
    pads = _tuple(node.attributes.get("pads"))
    readers = [graph.nodes[position] for position in graph.consumers[graph.index[node.name]]]
    beyond_space = [pads[axis] for axis in (0, *map(channel_axis, readers)) if pads]
    if {reader.type for reader in readers} == {"conv"} and all(pad == (0, 0) for pad in beyond_space):
        return None
    return "it is no spatial padding read by convolutions alone"


def average_of_whole_windows(_: Graph, node: Node) -> str | None:
    """An average whose divisor the kernel knows: the window, or what of it lies inside the input."""
    if node.attributes.get("divisor") is not None:
        return f"it divides by {node.attributes['divisor']}"
    is_padded = any(pad != (0, 0) for pad in _tuple(node.attributes.get("padding")))
    if node.attributes.get("ceil_mode") and is_padded and node.attributes.get("count_include_pad", True):
        return "its last windows reach beyond the padding they count"
    return None


def weight_on_the_right(_: Graph, node: Node) -> str | None:
    """A product whose weight, if it has one, is its second operand."""
    return "its first operand is the weight" if node.weight("input") is not None else None


def only_input_computed(_: Graph, node: Node) -> str | None:
    """A layer whose weight and bias are constants."""
    for port in node.inputs:
        if port.role != "input":
            return f"its {port.role} is computed"
    return None


def unscaled(_: Graph, node: Node) -> str | None:
    """A sum of operands as they are."""
    alpha = node.attributes.get("alpha", 1)
    return None if alpha == 1 else f"it multiplies an operand by {alpha}"


def moves_data(graph: Graph, node: Node) -> str | None:
    """A movement of values that depend on the model's inputs."""
    indices = OPERATORS[node.type].index_operands
    data = [port for port in node.inputs if port.role not in indices and graph.value(port.key).is_float]
    if not data:
        return "it moves a constant"
    return "it moves a mask, which is added to real numbers" if _is_mask(graph, node) else None


def _is_mask(graph: Graph, node: Node) -> bool:
    """Whether nothing but operands that are never quantized comes of this movement, be it through others."""
    found, waiting = False, [node.name]
    while waiting:
        name = waiting.pop()
        for position in graph.consumers[graph.index[name]]:
            reader = graph.nodes[position]
            entry = OPERATORS.get(reader.type)
            roles = {port.role for port in reader.inputs if port.producer == name}
            if entry is not None and roles <= set(entry.index_operands):
                found = True
            elif entry is not None and entry.trait is Trait.TRANSPARENT:
                waiting.append(reader.name)
            else:
                return False
    return found


def same_rank(graph: Graph, node: Node) -> str | None:
    """A repetition along axes that the value has."""
    rank = len(graph.value(node.inputs[0].key).example_shape) if node.inputs else 0
    return None if len(_tuple(node.attributes.get("repeats"))) == rank else "it adds axes"


def float_operands(graph: Graph, node: Node) -> str | None:
    """Every operand is floating point."""
    for port in node.inputs:
        if not graph.value(port.key).is_float:
            return f"operand {port.role} is not floating point"
    return None


def attends(graph: Graph, node: Node) -> str | None:
    """Attention of computed queries, keys and values, whose scale is known; its mask may be anything."""
    if node.attributes.get("scale") is None:
        return "its scale follows from a free size"
    ports = [port for port in node.inputs if port.role != "mask"]
    if not ports:
        return "its queries, keys and values are constants"
    kinds = {graph.value(port.key).dtype for port in ports}
    return None if kinds == {"float32"} else f"it computes in {', '.join(sorted(kinds))}"


def _tuple(value: AttributeValue) -> tuple[AttributeValue, ...]:
    return value if isinstance(value, tuple) else ()
