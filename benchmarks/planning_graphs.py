"""Generated graphs and rules for the benchmark of planning. Imports clika-core where one is made, no earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

# as lists of producers per node: node 0 is the input


def chain(size: int) -> Iterator[list[int]]:
    """One layer after the other."""
    return ([number] for number in range(size))


def ladder(size: int) -> Iterator[list[int]]:
    """Residual blocks: two layers in a row, and a sum with what went into them."""
    for number in range(size):
        yield [number, number - 2] if number % 3 == 2 else [number]


def dense(size: int) -> Iterator[list[int]]:
    """Every layer reads the four before it."""
    return (list(range(max(0, number - 3), number + 1)) for number in range(size))


def fan(size: int) -> Iterator[list[int]]:
    """One layer read by all others, which one layer joins."""
    yield [0]
    yield from ([1] for _ in range(size - 2))
    yield list(range(2, size))


def experts(size: int) -> Iterator[list[int]]:
    """Blocks of a router, sixteen experts of two layers that it feeds, and their sum."""
    last = number = 0
    while number < size:
        router = number + 1
        yield [last]
        firsts = range(router + 1, router + 17)
        yield from ([router] for _ in firsts)
        yield from ([first] for first in firsts)
        yield [first + 16 for first in firsts]
        last = number = router + 33


FAMILIES: Mapping[str, Callable[[int], Iterator[list[int]]]] = {
    "chain": chain,
    "ladder": ladder,
    "dense": dense,
    "fan": fan,
    "experts": experts,
}


def graph_of(family: str, size: int) -> Any:
    """A graph of about `size` layers: convolutions, sums of two values, concats of more."""
    from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, Value, Weight

    value = Value("float32", ("d0", 8, 4, 4), (2, 8, 4, 4))
    nodes = [Node("x", "input", NodeKind.INPUT, outputs=(value,))]
    for number, producers in enumerate(FAMILIES[family](size), 1):
        type_ = {1: "conv", 2: "add"}.get(len(producers), "concat")
        name = f"{type_}_{number}"
        roles = [f"inputs.{i}" for i in range(len(producers))] if type_ == "concat" else ["input", "other"]
        ports = tuple(InputPort(nodes[p].name, 0, role) for p, role in zip(producers, roles, strict=False))
        weights = (Weight("weight", (8, 8, 1, 1), "float32", name),) if type_ == "conv" else ()
        path = f"blocks.{number // 10}.layer{number % 10}"
        nodes.append(
            Node(name, type_, NodeKind.LAYER, ports, (value,), weights=weights, path=path, aliases=(path,))
        )
    nodes.append(Node("output_1", "output", NodeKind.OUTPUT, (InputPort(nodes[-1].name),)))
    return Graph(tuple(nodes))


def settings_of(graph: Any, count: int) -> Any:
    """Rules of every kind, spread over the graph: names, paths, globs, ranges, downstream, explicit False."""
    from clika_core.settings.model import LayerQuantizationSettings as Rule
    from clika_core.settings.model import Settings

    settings = Settings()
    layers = graph.layers
    count = min(count, len(layers))  # one layer, one rule: no two contradict each other
    for number in range(count):
        layer = layers[number * len(layers) // count]
        word = layer.path or layer.name
        block = word.rpartition(".")[0] or word
        near = layers[min(graph.index[layer.name] + 20, len(layers) - 1)]
        kind = number % 6
        if kind == 0:
            settings.set_quantization_settings_for_layer(layer.name, Rule(skip_quantization=True))
        elif kind == 1:
            settings.set_quantization_settings_for_layer(block, Rule(skip_quantization=True))
        elif kind == 2:
            settings.set_quantization_settings_for_layer(f"{word[:-1]}?", Rule(skip_quantization=True))
        elif kind == 3:
            settings.set_quantization_settings_for_layer(f"name:{layer.name}", Rule(skip_quantization=False))
        elif kind == 4:
            until = [near.name] if reaches(graph, layer, near) else None
            rule = Rule(skip_quantization=True, skip_quantization_until=until)
            settings.set_quantization_settings_for_layer(
                f"path:{word}" if layer.path else f"glob:{word}", rule
            )
        else:
            last = layers[-1 - number % min(50, len(layers))]
            down = Rule(skip_quantization=True, skip_quantization_downstream=True)
            settings.set_quantization_settings_for_layer(f"glob:{last.name}", down)
    return settings


def with_a_half(graph: Any, settings: Any) -> Any:
    """The rules, and one more that skips everything downstream of the layer in the middle."""
    from clika_core.settings.model import LayerQuantizationSettings as Rule
    from clika_core.settings.model import Settings

    found = Settings()
    for rule in settings.rules:
        found.set_quantization_settings_for_layer(rule.selector, rule.settings)
    middle = graph.layers[len(graph.layers) // 2].name
    down = Rule(skip_quantization=True, skip_quantization_downstream=True)
    found.set_quantization_settings_for_layer(f"re:{middle}", down)
    return found


def reaches(graph: Any, start: Any, end: Any) -> bool:
    """Whether a range from one layer to the other is no mistake."""
    from clika_core.planning.reachability import between

    return bool(between(graph, [graph.index[start.name]], [graph.index[end.name]]))
