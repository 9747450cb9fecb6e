"""What is said of a model whose code depends on the size of the batch it was traced with."""

from __future__ import annotations

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.ir.graph import Graph


def fixed_batch(name: str, batch: int, advice: str) -> Diagnostic:
    """A finding at the input `name`; `advice` says how such code is written in the framework of the model."""
    return Diagnostic(
        "fixed-batch",
        Severity.INFO,
        f"the traced model takes batches of {batch} alone: its code depends on that size",
        related=(name,),
        help=f"{advice}, or trace and run it with the batch you need",
    )


def fixed_batches(graph: Graph, advice: str) -> list[Diagnostic]:
    """The finding where no input of the graph has a batch that is free."""
    shapes = {node.name: node.outputs[0].shape for node in graph.inputs if node.outputs[0].shape}
    fixed = {name: shape[0] for name, shape in shapes.items() if isinstance(shape[0], int)}
    if not fixed or len(fixed) < len(shapes):
        return []
    name, batch = next(iter(fixed.items()))
    return [fixed_batch(name, batch, advice)]
