"""What the traced graph knows of one node, as short texts: type, shapes, attributes, weights."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from clika_core.ir.graph import AttributeValue, Graph, InputPort, Node, NodeKind, Shape, Value
from clika_core.pictures.fitting import LINE_CHARACTERS, bounded, joined, shorten, shorten_start

TYPE_CHARACTERS: Final = 30

_UNREMARKABLE: Final[dict[str, AttributeValue]] = {
    "ceil_mode": False,
    "count_include_pad": True,
    "groups": 1,
    "weight_output_axis": 0,
}
"""Values that a reader assumes anyway: written only when different."""
_EVERYWHERE: Final = {"dilations": 1, "output_padding": 0}
"""The same for tuples: unremarkable where every element is this."""
_SIZES: Final = frozenset({"kernel_size", "strides", "padding", "dilations", "output_padding", "output_size"})
_INTERCHANGEABLE: Final = frozenset(
    {"add", "mul", "maximum", "minimum", "eq", "ne", "logical_and", "logical_or"}
)
_WORDS: Final[dict[AttributeValue, str]] = {True: "yes", False: "no", None: "none"}


def kind_line(node: Node) -> str:
    """Type and path: `conv · layer1.0.conv1`."""
    kind = shorten(node.type, TYPE_CHARACTERS)
    return f"{kind} · {shorten_start(node.path, LINE_CHARACTERS - len(kind) - 3)}" if node.path else kind


def shape_text(shape: Shape) -> str:
    """`[d0, 64, 56, 56]`."""
    return f"[{', '.join(map(str, shape))}]"


def value_text(value: Value) -> str:
    """The shape, with the dtype in front where it is not float32."""
    shape = shape_text(value.shape)
    return shape if value.dtype == "float32" else f"{value.dtype} {shape}"


def shape_lines(graph: Graph, node: Node) -> list[str]:
    """Shapes in and out: on one line where they fit, else one operand or result a line."""
    operands = [(operand_word(node, port), value_text(graph.value(port.key))) for port in node.inputs]
    inputs = _counted([f"{word} {text}".strip() for word, text in operands])
    outputs = _counted([value_text(value) for value in node.outputs])
    line = f"{', '.join(inputs) or 'nothing'} → {', '.join(outputs) or 'nothing'}"
    if len(line) <= LINE_CHARACTERS:
        return [line]
    return [*_one_each("in", inputs), *_one_each("out", outputs)]


def endpoint_lines(graph: Graph, node: Node) -> list[str]:
    """What a graph input or output carries, always with its dtype, and the sizes seen while tracing."""
    value = node.outputs[0] if node.kind is NodeKind.INPUT else graph.value(node.inputs[0].key)
    line = shorten(f"{value.dtype} {shape_text(value.shape)}")
    if value.example_shape == value.shape:
        return [line]
    return [line, shorten(f"traced with {shape_text(value.example_shape)}")]


def operand_word(node: Node, port: InputPort) -> str:
    """The operand's role where it tells the operands of `node` apart better than their order, else nothing."""
    is_clear = len(node.inputs) < 2 or node.type in _INTERCHANGEABLE or port.role.startswith("inputs.")
    return "" if is_clear else port.role


def attribute_lines(node: Node) -> list[str]:
    """`kernel_size 3×3, strides 2×2, padding 1×1`; attributes of no interest are left out."""
    return joined(
        f"{key} {attribute_text(key, value)}"
        for key, value in node.attributes.items()
        if not _is_unremarkable(key, value)
    )


def weight_lines(node: Node) -> list[str]:
    """`weight [64, 3, 7, 7], bias [64]`."""
    return joined(f"{weight.role} {shape_text(weight.shape)}" for weight in node.weights)


def _counted(texts: list[str]) -> list[str]:
    """Neighbours that are equal as one: `2 × [d0, 64]`."""
    runs = ((text, len(list(same))) for text, same in groupby(texts))
    return [text if count == 1 else f"{count} × {text}" for text, count in runs]


def _one_each(word: str, texts: list[str]) -> list[str]:
    return [f"{word} {text}" for text in bounded(map(shorten, texts))]


def attribute_text(key: str, value: AttributeValue) -> str:
    """The value of an attribute: `3×3` for a kernel size, `yes` for true."""
    if isinstance(value, tuple):
        if key in _SIZES and value:
            return "×".join(_size(item) for item in value)
        return f"[{', '.join(attribute_text('', item) for item in value)}]"
    if isinstance(value, bool) or value is None:
        return _WORDS[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _size(value: AttributeValue) -> str:
    """One axis: a number; for padding that differs before and after, `(0, 1)`."""
    if not isinstance(value, tuple):
        return attribute_text("", value)
    return attribute_text("", value[0]) if len(set(value)) == 1 else f"({', '.join(map(str, value))})"


def _is_unremarkable(key: str, value: AttributeValue) -> bool:
    if isinstance(value, tuple):
        return key in _EVERYWHERE and set(value) == {_EVERYWHERE[key]}
    return key in _UNREMARKABLE and value == _UNREMARKABLE[key]
